/*
 * A server with two connections and their clients. The input is a list of lines: a JSON update of
 * the server's state, or `1` or `2`: that connection gets what it is due. In the end, and after
 * each delivery, the client knows what the server's snapshot says, whatever came in between.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct connection {
    struct dvbcss_cii_session session;
    struct dvbcss_cii known;
    enum dvbcss_cii_policy policy;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

/* What the client knows must agree with each property that the server defines. */
static void check_known(const struct connection *connection, const struct dvbcss_cii *state)
{
    require(dvbcss_cii_diff(&connection->known, state) == 0);
}

static void deliver(struct connection *connection, struct dvbcss_cii_snapshot *snapshot)
{
    const struct dvbcss_cii *state = dvbcss_cii_snapshot_state(snapshot);
    unsigned due = dvbcss_cii_session_due(&connection->session, snapshot, connection->policy);
    struct dvbcss_cii message = DVBCSS_CII_INIT;
    char *text = NULL;
    size_t length = 0;

    if (due != 0) {
        require(dvbcss_cii_encode(state, due, NULL, &text, &length) == 0);
        require(dvbcss_cii_decode(text, length, DVBCSS_TOLERANT, &message, NULL) == 0);
        require(dvbcss_cii_defined(&message) == due);
        require(dvbcss_cii_merge(&connection->known, &message, NULL) == 0);
    }
    dvbcss_cii_session_advance(&connection->session, snapshot);
    check_known(connection, state);
    dvbcss_cii_finish(&message);
    dvbcss_free(text);
}

/* Applies an update to the server's state: the snapshot is replaced if it parses. */
static void update(struct dvbcss_cii *state, struct dvbcss_cii_snapshot **snapshot,
                   const uint8_t *line, size_t length)
{
    struct dvbcss_cii change = DVBCSS_CII_INIT;

    if (dvbcss_cii_decode((const char *)line, length, DVBCSS_TOLERANT, &change, NULL) == 0) {
        require(dvbcss_cii_merge(state, &change, NULL) == 0);
        dvbcss_cii_snapshot_unref(*snapshot);
        require(dvbcss_cii_snapshot_create(state, snapshot) == 0);
    }
    dvbcss_cii_finish(&change);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct connection connections[2] = {
        {DVBCSS_CII_SESSION_INIT, DVBCSS_CII_INIT, DVBCSS_CII_SEND_CHANGES},
        {DVBCSS_CII_SESSION_INIT, DVBCSS_CII_INIT, DVBCSS_CII_SEND_LEAST},
    };
    struct dvbcss_cii state = DVBCSS_CII_INIT;
    struct dvbcss_cii_snapshot *snapshot = NULL;

    require(dvbcss_cii_snapshot_create(&state, &snapshot) == 0);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;

        if (length == 1 && (*data == '1' || *data == '2'))
            deliver(&connections[*data - '1'], snapshot);
        else
            update(&state, &snapshot, data, length);
        length += end ? 1 : 0;
        data += length;
        size -= length;
    }
    for (size_t i = 0; i < 2; i++) {
        deliver(&connections[i], snapshot);
        dvbcss_cii_session_finish(&connections[i].session);
        dvbcss_cii_finish(&connections[i].known);
    }
    dvbcss_cii_snapshot_unref(snapshot);
    dvbcss_cii_finish(&state);
    return 0;
}
