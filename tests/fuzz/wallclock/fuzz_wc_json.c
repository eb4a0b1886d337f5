/*
 * Any text as a request: what is understood has an answer that is a JSON object, and that brings
 * back what a second look at it brings back again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

/* An answer is a message of type 1: as a request it is refused for that alone. */
static void check_answer(char *answer, size_t length, const struct dvbcss_wc_json_request *request)
{
    static const char type[] = "{\"v\":0,\"t\":1";
    struct dvbcss_wc_json_request again = DVBCSS_WC_JSON_REQUEST_INIT;

    require(strlen(answer) == length);
    require(strncmp(answer, type, sizeof type - 1) == 0);
    require(dvbcss_wc_json_decode(answer, length, &again, NULL) == DVBCSS_EMESSAGETYPE);
    answer[sizeof type - 2] = '0';
    require(dvbcss_wc_json_decode(answer, length, &again, NULL) == 0);
    require(again.dialect == request->dialect);
    require(strcmp(again.echo, request->echo) == 0);
    dvbcss_wc_json_request_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dvbcss_wc_json_answer figures = {1e-6, 50.25, 1234567890123, 1234567890124};
    struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = dvbcss_wc_json_decode((const char *)data, size, &request, &report);
    size_t room, length;
    char *answer;

    require(report.error == error);
    if (error)
        return 0;
    room = strlen(request.echo) + 512;
    answer = malloc(room);
    require(answer != NULL);
    require(dvbcss_wc_json_encode_answer(&request, &figures, answer, room, &length) == 0);
    check_answer(answer, length, &request);
    free(answer);
    dvbcss_wc_json_request_finish(&request);
    return 0;
}
