// Runs a wall-clock server of the installed libdvbcss on a loop, from C++, and ends it.
#include <cstdio>
#include <dvbcss/error.h>
#include <dvbcss/wc_server.h>
#include <uv.h>

int main()
{
    dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    dvbcss_wc_server *server = nullptr;
    uv_loop_t loop;

    if (uv_loop_init(&loop) != 0)
        return 1;
    options.address = "127.0.0.1";
    options.port = 0;
    int error = dvbcss_wc_server_create(&server, &loop, &options);
    if (error != 0) {
        std::fprintf(stderr, "%s\n", dvbcss_error_text(error));
        return 1;
    }
    std::printf("wall clock on port %d\n", dvbcss_wc_server_port(server));
    dvbcss_wc_server_close(server, nullptr, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
