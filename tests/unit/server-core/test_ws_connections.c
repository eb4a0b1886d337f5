/* Connections: from the handshake to the disconnect hook. */
#include "ws_fixture.h"

static struct ws_peer_frame frame;

Test(ws_connections, echo_a_text)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "hello"));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((char *)frame.payload, "hello");
    cr_assert_str_eq(fixture.record.id, "echo-1");
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(fixture.record.code, 1001);
}
