/*
 * The URL parser: whatever it accepts can be written, and what was written means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned ANY =
    DVBCSS_URL_WS | DVBCSS_URL_WSS | DVBCSS_URL_UDP | DVBCSS_URL_HTTP | DVBCSS_URL_HTTPS;

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_url url = DVBCSS_URL_INIT;
    struct dvbcss_url again = DVBCSS_URL_INIT;
    char written[DVBCSS_URL_TEXT_SIZE];
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (dvbcss_url_parse(text, ANY, &url, NULL) == 0) {
        require(dvbcss_url_format(&url, written, sizeof written) == 0);
        require(dvbcss_url_parse(written, ANY, &again, NULL) == 0);
        require(again.scheme == url.scheme && again.port == url.port);
        require(strcmp(again.host, url.host) == 0 && strcmp(again.path, url.path) == 0);
    }
    if (dvbcss_url_parse_advertised(text, ANY, "10.0.0.7", &url, NULL) == 0)
        require(!dvbcss_url_host_unusable(url.host, "10.0.0.7"));
    free(text);
    return 0;
}
