/*
 * The whole daemon in this process, reached over loopback as companions and controllers reach it.
 * The input is a list of lines, one step each: a letter, and what it is about, in which \n, \r, \\
 * and \xHH stand for bytes. After the last step everybody leaves, and memory, descriptors and
 * handles are what they were; now and then somebody new is served.
 *
 *     C A W/cii         someone comes: to the companions' listener, to the API's, with a handshake
 *     1 2 3 4 5 6       who acts from now on, in the order of coming
 *     >bytes =bytes     sends them as they are, at once or one by one
 *     ttext utext       a text message; not masked
 *     ftext ctext etext the first, a further and the last fragment of a text
 *     bdata idata odata xdata   binary, ping, pong, close
 *     RMETHOD PATH BODY  a request to the API, PMETHOD PATH BODY one to the companions' listener
 *     T25               2.5 seconds pass
 *     D L               stops to read, reads again
 *     H K               sends nothing more, leaves with a reset
 *     S3 N3 E3          the next 3 calls that send take 1 byte only, have no buffer, would block
 *     Z                 the daemon is told to end
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/socket_faults.h"
#include "visitor.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    STEPS_MAX = 64,
    STEP_BYTES_MAX = 8192,
    SINGLE_BYTES_MAX = 512,
    PASS_MAX_DS = 1500,
    PROBE_EVERY = 8,
};

static struct visitor *actor;

/* What a step is about: its bytes, terminated by one 0 more. */
struct subject {
    size_t length;
    char text[STEP_BYTES_MAX + 1];
};

/* ---- steps ----------------------------------------------------------------------------------- */

static void come(int listener, const struct subject *subject)
{
    struct visitor *visitor = visitor_come((enum world_listener)listener);

    (void)subject;
    if (visitor)
        actor = visitor;
}

static void come_to_control(int unused, const struct subject *subject)
{
    (void)unused;
    come(WORLD_CONTROL, subject);
    /* Whatever will be asked for by hand. */
    world_mark_changed();
}

static void come_with_handshake(int unused, const struct subject *subject)
{
    (void)unused;
    come(WORLD_COMPANIONS, subject);
    /* A page presents what it likes. */
    if (strncmp(subject->text, "/server", 7) == 0)
        world_mark_changed();
    if (actor)
        visitor_send_handshake(actor, subject->text);
}

static void choose(int index, const struct subject *subject)
{
    struct visitor *visitor = visitor_at((size_t)index);

    (void)subject;
    if (visitor)
        actor = visitor;
}

static void send_bytes(int one_by_one, const struct subject *subject)
{
    size_t length = subject->length;

    if (!one_by_one) {
        visitor_send(actor, subject->text, length);
        return;
    }
    for (size_t i = 0; i < length && i < SINGLE_BYTES_MAX; i++) {
        visitor_send(actor, subject->text + i, 1);
        world_settle();
    }
}

static void send_frame(int first_byte, const struct subject *subject)
{
    visitor_send_frame(actor, first_byte, true, subject->text, subject->length);
}

static void send_unmasked(int first_byte, const struct subject *subject)
{
    visitor_send_frame(actor, first_byte, false, subject->text, subject->length);
}

static void request(int listener, const struct subject *subject)
{
    struct subject parts = *subject;
    char *path = strchr(parts.text, ' ');
    char *body = path ? strchr(path + 1, ' ') : NULL;
    size_t length = body ? subject->length - (size_t)(body + 1 - parts.text) : 0;

    if (!path)
        return;
    *path = '\0';
    if (body)
        *body = '\0';
    come(listener, subject);
    if (strcmp(parts.text, "GET") != 0)
        world_mark_changed();
    if (actor)
        visitor_send_request(actor, parts.text, path + 1, body ? body + 1 : "", length);
}

static void pass(int unused, const struct subject *subject)
{
    unsigned long ds = strtoul(subject->text, NULL, 10);

    (void)unused;
    world_pass((ds < PASS_MAX_DS ? ds : PASS_MAX_DS) * 100);
}

static void set_deaf(int deaf, const struct subject *subject)
{
    (void)subject;
    actor->deaf = deaf;
}

static void end_sending(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    visitor_end_sending(actor);
}

static void leave(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    visitor_leave(actor);
}

static void fail_sending(int error, const struct subject *subject)
{
    struct socket_fault fault = {.error = error, .bytes = 1};

    fault.calls = (unsigned)(strtoul(subject->text, NULL, 10) % 1000);
    socket_faults_send(&fault);
}

static void terminate(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    world_terminate();
}

struct step {
    void (*take)(int argument, const struct subject *subject);
    int argument;
    /* Nothing happens unless somebody is there. */
    bool needs_actor;
};

static const struct step steps[128] = {
    ['C'] = {come, WORLD_COMPANIONS, false},
    ['A'] = {come_to_control, 0, false},
    ['W'] = {come_with_handshake, 0, false},
    ['1'] = {choose, 0, false},
    ['2'] = {choose, 1, false},
    ['3'] = {choose, 2, false},
    ['4'] = {choose, 3, false},
    ['5'] = {choose, 4, false},
    ['6'] = {choose, 5, false},
    ['>'] = {send_bytes, 0, true},
    ['='] = {send_bytes, 1, true},
    ['t'] = {send_frame, 0x81, true},
    ['f'] = {send_frame, 0x01, true},
    ['c'] = {send_frame, 0x00, true},
    ['e'] = {send_frame, 0x80, true},
    ['b'] = {send_frame, 0x82, true},
    ['i'] = {send_frame, 0x89, true},
    ['o'] = {send_frame, 0x8a, true},
    ['x'] = {send_frame, 0x88, true},
    ['u'] = {send_unmasked, 0x81, true},
    ['R'] = {request, WORLD_CONTROL, false},
    ['P'] = {request, WORLD_COMPANIONS, false},
    ['T'] = {pass, 0, false},
    ['D'] = {set_deaf, true, true},
    ['L'] = {set_deaf, false, true},
    ['H'] = {end_sending, 0, true},
    ['K'] = {leave, 0, true},
    ['S'] = {fail_sending, 0, false},
    ['N'] = {fail_sending, ENOBUFS, false},
    ['E'] = {fail_sending, EAGAIN, false},
    ['Z'] = {terminate, 0, false},
};

/* ---- lines ----------------------------------------------------------------------------------- */

static int digit(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = byte ? strchr(digits, byte) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Takes one byte out of a line, by its escape if it has one. Returns the bytes used. */
static size_t take_byte(const uint8_t *line, size_t length, char *byte)
{
    *byte = (char)line[0];
    if (line[0] != '\\' || length < 2)
        return 1;
    if (line[1] == 'x' && length >= 4 && digit(line[2]) >= 0 && digit(line[3]) >= 0) {
        *byte = (char)(digit(line[2]) << 4 | digit(line[3]));
        return 4;
    }
    if (line[1] == 'n' || line[1] == 'r')
        *byte = line[1] == 'n' ? '\n' : '\r';
    else if (line[1] != '\\')
        return 1;
    return 2;
}

static void take_step(const uint8_t *line, size_t length)
{
    static struct subject subject;
    const struct step *step = length != 0 && line[0] < 128 ? &steps[line[0]] : NULL;

    if (!step || !step->take || (step->needs_actor && !actor))
        return;
    subject.length = 0;
    for (size_t i = 1; i < length && subject.length < STEP_BYTES_MAX;)
        i += take_byte(line + i, length - i, &subject.text[subject.length++]);
    subject.text[subject.length] = '\0';
    step->take(step->argument, &subject);
    world_settle();
}

/* Somebody who does everything right is served. */
static void probe(void)
{
    struct visitor *visitor = visitor_come(WORLD_COMPANIONS);

    world_require(visitor != NULL);
    visitor_send_handshake(visitor, "/cii");
    world_settle();
    visitor->heard[visitor->heard_length] = '\0';
    world_require(strncmp(visitor->heard, "HTTP/1.1 101 ", 13) == 0);
    world_require(strstr(visitor->heard, "\"contentId\":\"dvb://1.2.3\"") != NULL);
    visitors_leave();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned inputs;

    world_begin();
    if (inputs++ % PROBE_EVERY == 0)
        probe();
    for (unsigned count = 0; size > 0 && count < STEPS_MAX; count++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;

        take_step(data, length);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    socket_faults_end();
    actor = NULL;
    visitors_leave();
    world_end();
    return 0;
}
