/* Heads of requests without memory: what cannot be read now can be read later. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "failing_alloc.h"
#include "server-core/ws_request.h"

enum { VALUE_BYTES = 6000, PIECE_BYTES = 700 };

/* As long as it may be, so that the text grows to its limit. */
static char head[VALUE_BYTES + 100];

static void make_head(void)
{
    snprintf(head, sizeof head, "GET /a HTTP/1.1\r\nX: %0*d\r\n\r\n", VALUE_BYTES, 0);
}

TestSuite(ws_request_alloc, .init = make_head);

/* Reads the head in pieces, each once more if there was no memory for it. */
static enum ws_request_state read_head(struct ws_request *request)
{
    enum ws_request_state state = WS_REQUEST_INCOMPLETE;
    size_t length = strlen(head);
    size_t at = 0;

    while (state == WS_REQUEST_INCOMPLETE && at < length) {
        size_t piece = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
        size_t taken = 0;
        int error = ws_request_read(request, head + at, piece, &taken, &state);

        cr_assert(error == 0 || (error == DVBCSS_ENOMEM && failing_alloc_failed()));
        cr_assert_eq(error != 0, taken == 0);
        at += taken;
    }
    return state;
}

Test(ws_request_alloc, is_made_whole_or_not_at_all_and_read_in_the_end)
{
    unsigned n = 0;

    for (bool failed = true; failed; n++) {
        struct ws_request *request = NULL;
        int error;

        failing_alloc_begin(n);
        error = ws_request_create(&request, strlen(head));
        cr_assert_eq(error, failing_alloc_failed() ? DVBCSS_ENOMEM : 0);
        cr_assert_eq(request == NULL, error != 0);
        if (error == 0) {
            cr_assert_eq(read_head(request), WS_REQUEST_COMPLETE, "allocation %u", n);
            cr_assert_str_eq(ws_request_path(request), "/a");
            cr_assert_eq(strlen(ws_request_header(request, "x")), VALUE_BYTES);
        }
        ws_request_destroy(request);
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        failed = failing_alloc_end();
    }
    cr_assert_gt(n, 4, "the text grew");
}
