#include "dvbcss/wc_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json_get.h"
#include "dvbcss/alloc.h"
#include "dvbcss/wc.h"

#define NS_PER_S INT64_C(1000000000)

/* Room for what a decimal number below needs. */
enum { NUMBER_SIZE = 32 };

/* ---- reading -------------------------------------------------------------------------------- */

static enum dvbcss_wc_json_dialect dialect_of(const json_t *object)
{
    if (json_object_get(object, "ot"))
        return DVBCSS_WC_JSON_NANOSECONDS;
    return json_object_get(object, "otvs") ? DVBCSS_WC_JSON_SPLIT : DVBCSS_WC_JSON_PLAIN;
}

/* Refuses with @p error unless the member is 0 or not there. */
static int check_zero(const struct jget_place *top, const char *key, int error)
{
    enum dvbcss_presence presence;
    int64_t value;
    int failed = jget_integer(top, key, JGET_TRISTATE, INT64_MIN, INT64_MAX, &presence, &value);

    if (failed || presence != DVBCSS_VALUE || value == 0)
        return failed;
    return jget_fail(top, key, error, "expected 0 in a request, found %" PRId64, value);
}

/* Takes out what the answer says itself. */
static void remove_own_members(json_t *object, enum dvbcss_wc_json_dialect dialect)
{
    static const char *const own[] = {"v",
                                      "t",
                                      "p",
                                      "mfe", /* what only plain answers say: */
                                      "rt",
                                      "tt",
                                      "remoteReceiveTime",
                                      "remoteSendTime",
                                      "precision",
                                      "maxFrequencyError"};
    const size_t count = dialect == DVBCSS_WC_JSON_PLAIN ? sizeof own / sizeof *own : 6;

    for (size_t i = 0; i < count; i++)
        (void)json_object_del(object, own[i]); /* That it is not there is fine. */
}

/* Writes the members of an object, without its braces. */
static int write_members(const json_t *object, char **out)
{
    const size_t flags = JSON_COMPACT;
    size_t length = json_dumpb(object, NULL, 0, flags);
    char *text;

    if (length < 2)
        return DVBCSS_ENOMEM;
    text = dvbcss_malloc(length);
    if (!text)
        return DVBCSS_ENOMEM;
    if (json_dumpb(object, text, length, flags) != length) {
        dvbcss_free(text);
        return DVBCSS_ENOMEM;
    }
    memmove(text, text + 1, length - 2);
    text[length - 2] = '\0';
    *out = text;
    return 0;
}

int dvbcss_wc_json_decode(const char *text, size_t length, struct dvbcss_wc_json_request *out,
                          struct dvbcss_report *report)
{
    struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
    struct jget_place top;
    /* What is echoed has to be what came: no integer may become a real. */
    int error = jget_parse(&top, text, length, DVBCSS_STRICT, report);

    if (error)
        return error;
    top.mode = DVBCSS_TOLERANT;
    error = check_zero(&top, "v", DVBCSS_EVERSION);
    if (!error)
        error = check_zero(&top, "t", DVBCSS_EMESSAGETYPE);
    if (!error) {
        request.dialect = dialect_of(top.value);
        remove_own_members(top.value, request.dialect);
        error = write_members(top.value, &request.echo);
        if (error)
            jget_report(&top, NULL, error, "%s", dvbcss_error_text(error));
    }
    jget_finish(&top);
    if (!error)
        *out = request;
    return error;
}

void dvbcss_wc_json_request_finish(struct dvbcss_wc_json_request *request)
{
    dvbcss_free(request->echo);
    request->echo = NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* An answer's figures as they are written. By integers, so that no locale and no rounding of a
 * double gets in between. */
struct figures {
    char precision[NUMBER_SIZE];
    char max_freq_error[NUMBER_SIZE];
    char receive[NUMBER_SIZE];
    char transmit[NUMBER_SIZE];
};

static void write_seconds(char out[NUMBER_SIZE], int64_t ns)
{
    snprintf(out, NUMBER_SIZE, "%" PRId64 ".%09" PRId64, ns / NS_PER_S, ns % NS_PER_S);
}

static void write_time(char out[NUMBER_SIZE], int64_t ns, enum dvbcss_wc_json_dialect dialect)
{
    if (dialect == DVBCSS_WC_JSON_NANOSECONDS)
        snprintf(out, NUMBER_SIZE, "%" PRId64, ns);
    else
        write_seconds(out, ns);
}

static int write_precision(char out[NUMBER_SIZE], double precision_s,
                           enum dvbcss_wc_json_dialect dialect)
{
    int8_t exponent;
    int error = dvbcss_wc_precision_encode(precision_s, &exponent);

    if (error || precision_s > 1e9)
        return DVBCSS_ERANGE;
    if (dialect == DVBCSS_WC_JSON_NANOSECONDS)
        snprintf(out, NUMBER_SIZE, "%d", exponent);
    else
        write_seconds(out, (int64_t)ceil(precision_s * 1e9));
    return 0;
}

static int write_max_freq_error(char out[NUMBER_SIZE], double ppm)
{
    uint32_t parts;
    int error = dvbcss_wc_max_freq_error_encode(ppm, &parts);

    if (error)
        return error;
    if (parts % 256 == 0)
        snprintf(out, NUMBER_SIZE, "%" PRIu32, parts / 256);
    else /* 1/256 is 0.00390625. */
        snprintf(out, NUMBER_SIZE, "%" PRIu32 ".%08" PRIu32, parts / 256, parts % 256 * 390625);
    return 0;
}

static int write_figures(struct figures *figures, const struct dvbcss_wc_json_answer *answer,
                         enum dvbcss_wc_json_dialect dialect)
{
    int error = write_precision(figures->precision, answer->precision_s, dialect);

    if (!error)
        error = write_max_freq_error(figures->max_freq_error, answer->max_freq_error_ppm);
    if (error || answer->receive_ns < 0 || answer->transmit_ns < 0)
        return DVBCSS_ERANGE;
    write_time(figures->receive, answer->receive_ns, dialect);
    write_time(figures->transmit, answer->transmit_ns, dialect);
    return 0;
}

/* The plain dialect says everything twice; "" for the others. */
static void write_plain_members(char *out, size_t size,
                                const struct dvbcss_wc_json_request *request,
                                const struct dvbcss_wc_json_answer *answer,
                                const struct figures *figures)
{
    *out = '\0';
    if (request->dialect == DVBCSS_WC_JSON_PLAIN)
        snprintf(out, size,
                 ",\"precision\":%s,\"maxFrequencyError\":%s,\"remoteReceiveTime\":%" PRId64
                 ",\"remoteSendTime\":%" PRId64,
                 figures->precision, figures->max_freq_error, answer->receive_ns,
                 answer->transmit_ns);
}

int dvbcss_wc_json_encode_answer(const struct dvbcss_wc_json_request *request,
                                 const struct dvbcss_wc_json_answer *answer, char *buffer,
                                 size_t size, size_t *length)
{
    struct figures figures;
    char plain[4 * NUMBER_SIZE + 128];
    int error = write_figures(&figures, answer, request->dialect);
    int written;

    if (error)
        return error;
    write_plain_members(plain, sizeof plain, request, answer, &figures);
    written =
        snprintf(buffer, size, "{\"v\":0,\"t\":1,\"p\":%s,\"mfe\":%s%s%s,\"rt\":%s,\"tt\":%s%s}",
                 figures.precision, figures.max_freq_error, *request->echo ? "," : "",
                 request->echo, figures.receive, figures.transmit, plain);
    if (written < 0 || (size_t)written >= size)
        return DVBCSS_ENOSPC;
    *length = (size_t)written;
    return 0;
}

const char *dvbcss_wc_json_dialect_name(enum dvbcss_wc_json_dialect dialect)
{
    static const char *const names[DVBCSS_WC_JSON_DIALECT_COUNT] = {
#define DIALECT_NAME(name, text) text,
        DVBCSS_WC_JSON_DIALECT_MAP(DIALECT_NAME)
#undef DIALECT_NAME
    };

    return (unsigned)dialect < DVBCSS_WC_JSON_DIALECT_COUNT ? names[dialect] : "?";
}
