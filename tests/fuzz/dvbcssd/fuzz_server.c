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
 *     M Mbytes          the certificate's file is another, or has these bytes, for the next reload
 *     Z                 the daemon is told to end
 *
 * Some come by TLS, and what they send after that is in its records:
 *
 *     B Bbytes          someone comes to the companions' listener with TLS, and does not begin it;
 *                       sends bytes before the daemon has noticed
 *     s s2 s! s3NAME    someone comes there, and begins TLS: up to 1.2 with 2, believing no
 *                       certificate with !, asking for a host with its name behind any of the three
 *     G G2 G! G3NAME    the one who is there begins TLS, wherever that is
 *     w/cii             someone comes by TLS with a handshake
 *     pMETHOD PATH BODY a request to the companions' listener with TLS
 *     |bytes            sends them beside the records
 *     k q               new keys of its own, and of both
 *     n g               wants to negotiate again, says that nothing more will come
 *     h10 h             10 bytes of its records are on their way, the others wait; none wait
 *     m10               the byte there, of the records to come, is wrong
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/socket_faults.h"
#include "visitor.h"
#include "world.h"
#include "world_certificate.h"

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

static bool arrive(int listener)
{
    struct visitor *visitor = visitor_come((enum world_listener)listener);

    if (visitor)
        actor = visitor;
    return visitor;
}

static void greet(const char *text)
{
    struct visitor_tls_manner manner = {.old = *text == '2', .wary = *text == '!'};

    manner.name = *text ? text + 1 : text;
    visitor_begin_tls(actor, &manner);
    world_settle();
}

/* Ready to say something: who comes to the listener with TLS has shaken hands for it. */
static void arrive_ready(int listener)
{
    if (arrive(listener) && listener == WORLD_COMPANIONS_TLS)
        greet("");
}

static void come(int listener, const struct subject *subject)
{
    (void)subject;
    arrive(listener);
}

static void come_bare(int unused, const struct subject *subject)
{
    (void)unused;
    if (arrive(WORLD_COMPANIONS_TLS) && subject->length != 0)
        visitor_send(actor, subject->text, subject->length);
}

static void come_by_tls(int unused, const struct subject *subject)
{
    (void)unused;
    if (arrive(WORLD_COMPANIONS_TLS))
        greet(subject->text);
}

static void begin_tls(int unused, const struct subject *subject)
{
    (void)unused;
    greet(subject->text);
}

static void come_to_control(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    arrive(WORLD_CONTROL);
    /* Whatever will be asked for by hand. */
    world_mark_changed();
}

static void come_with_handshake(int listener, const struct subject *subject)
{
    arrive_ready(listener);
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
    arrive_ready(listener);
    if (strcmp(parts.text, "GET") != 0)
        world_mark_changed();
    if (actor)
        visitor_send_request(actor, parts.text, path + 1, body ? body + 1 : "", length);
}

static void send_bare(int unused, const struct subject *subject)
{
    (void)unused;
    visitor_send_bare(actor, subject->text, subject->length);
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

static void change_keys(int both, const struct subject *subject)
{
    (void)subject;
    visitor_tls_change_keys(actor->tls, both);
}

static void negotiate_again(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    visitor_tls_negotiate_again(actor->tls);
}

static void finish_tls(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    visitor_tls_finish(actor->tls);
}

static void hold_back(int unused, const struct subject *subject)
{
    (void)unused;
    visitor_tls_hold_back(actor->tls,
                          subject->length == 0 ? SIZE_MAX : strtoul(subject->text, NULL, 10));
}

static void spoil(int unused, const struct subject *subject)
{
    (void)unused;
    visitor_tls_spoil(actor->tls, strtoul(subject->text, NULL, 10));
}

static void replace_certificate(int unused, const struct subject *subject)
{
    (void)unused;
    world_certificate_replace(subject->text, subject->length);
}

static void terminate(int unused, const struct subject *subject)
{
    (void)unused, (void)subject;
    world_terminate();
}

/* Whom a step needs; nothing happens without. */
enum need { NOBODY, ACTOR, ACTOR_WITH_TLS };

struct step {
    void (*take)(int argument, const struct subject *subject);
    int argument;
    enum need need;
};

static const struct step steps[128] = {
    ['C'] = {come, WORLD_COMPANIONS, NOBODY},
    ['A'] = {come_to_control, 0, NOBODY},
    ['W'] = {come_with_handshake, WORLD_COMPANIONS, NOBODY},
    ['1'] = {choose, 0, NOBODY},
    ['2'] = {choose, 1, NOBODY},
    ['3'] = {choose, 2, NOBODY},
    ['4'] = {choose, 3, NOBODY},
    ['5'] = {choose, 4, NOBODY},
    ['6'] = {choose, 5, NOBODY},
    ['>'] = {send_bytes, 0, ACTOR},
    ['='] = {send_bytes, 1, ACTOR},
    ['t'] = {send_frame, 0x81, ACTOR},
    ['f'] = {send_frame, 0x01, ACTOR},
    ['c'] = {send_frame, 0x00, ACTOR},
    ['e'] = {send_frame, 0x80, ACTOR},
    ['b'] = {send_frame, 0x82, ACTOR},
    ['i'] = {send_frame, 0x89, ACTOR},
    ['o'] = {send_frame, 0x8a, ACTOR},
    ['x'] = {send_frame, 0x88, ACTOR},
    ['u'] = {send_unmasked, 0x81, ACTOR},
    ['R'] = {request, WORLD_CONTROL, NOBODY},
    ['P'] = {request, WORLD_COMPANIONS, NOBODY},
    ['T'] = {pass, 0, NOBODY},
    ['D'] = {set_deaf, true, ACTOR},
    ['L'] = {set_deaf, false, ACTOR},
    ['H'] = {end_sending, 0, ACTOR},
    ['K'] = {leave, 0, ACTOR},
    ['S'] = {fail_sending, 0, NOBODY},
    ['N'] = {fail_sending, ENOBUFS, NOBODY},
    ['E'] = {fail_sending, EAGAIN, NOBODY},
    ['Z'] = {terminate, 0, NOBODY},
    ['M'] = {replace_certificate, 0, NOBODY},
    ['B'] = {come_bare, 0, NOBODY},
    ['s'] = {come_by_tls, 0, NOBODY},
    ['G'] = {begin_tls, 0, ACTOR},
    ['w'] = {come_with_handshake, WORLD_COMPANIONS_TLS, NOBODY},
    ['p'] = {request, WORLD_COMPANIONS_TLS, NOBODY},
    ['|'] = {send_bare, 0, ACTOR},
    ['k'] = {change_keys, false, ACTOR_WITH_TLS},
    ['q'] = {change_keys, true, ACTOR_WITH_TLS},
    ['n'] = {negotiate_again, 0, ACTOR_WITH_TLS},
    ['g'] = {finish_tls, 0, ACTOR_WITH_TLS},
    ['h'] = {hold_back, 0, ACTOR_WITH_TLS},
    ['m'] = {spoil, 0, ACTOR_WITH_TLS},
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

static bool is_there(enum need need)
{
    return need == NOBODY || (actor && (need == ACTOR || actor->tls));
}

static void take_step(const uint8_t *line, size_t length)
{
    static struct subject subject;
    const struct step *step = length != 0 && line[0] < 128 ? &steps[line[0]] : NULL;

    if (!step || !step->take || !is_there(step->need))
        return;
    subject.length = 0;
    for (size_t i = 1; i < length && subject.length < STEP_BYTES_MAX;)
        i += take_byte(line + i, length - i, &subject.text[subject.length++]);
    subject.text[subject.length] = '\0';
    step->take(step->argument, &subject);
    world_settle();
}

/* Somebody who does everything right is served. */
static void probe(enum world_listener listener)
{
    struct visitor *visitor;

    arrive_ready((int)listener);
    visitor = actor;
    world_require(visitor != NULL);
    visitor_send_handshake(visitor, "/cii");
    world_settle();
    visitor->heard[visitor->heard_length] = '\0';
    world_require(strncmp(visitor->heard, "HTTP/1.1 101 ", 13) == 0);
    world_require(strstr(visitor->heard, "\"contentId\":\"dvb://1.2.3\"") != NULL);
    actor = NULL;
    visitors_leave();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned inputs;

    world_begin();
    if (inputs++ % PROBE_EVERY == 0) {
        probe(WORLD_COMPANIONS);
        probe(WORLD_COMPANIONS_TLS);
    }
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
