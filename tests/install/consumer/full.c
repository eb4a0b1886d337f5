/* Runs a wall-clock server of the installed libdvbcss on a loop, and ends it. */
#include <dvbcss/error.h>
#include <dvbcss/wc_server.h>
#include <stdio.h>
#include <uv.h>

int main(void)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_wc_server *server;
    uv_loop_t loop;
    int error;

    if (uv_loop_init(&loop) != 0)
        return 1;
    options.address = "127.0.0.1";
    options.port = 0;
    error = dvbcss_wc_server_create(&server, &loop, &options);
    if (error) {
        fprintf(stderr, "%s\n", dvbcss_error_text(error));
        return 1;
    }
    printf("wall clock on port %d\n", dvbcss_wc_server_port(server));
    dvbcss_wc_server_close(server, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
