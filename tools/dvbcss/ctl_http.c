#include "ctl_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/client.h"

enum {
    /* No answer is that large: whoever sends more is no daemon of ours. */
    ANSWER_MAX = 64 * 1024 * 1024,
    TOKEN_MAX = 255,
};

static size_t take_bytes(char *bytes, size_t size, size_t count, void *user)
{
    struct ctl_answer *answer = user;
    size_t length = size * count;
    char *grown;

    if (length > ANSWER_MAX - answer->length)
        return 0;
    grown = realloc(answer->text, answer->length + length + 1);
    if (!grown)
        return 0;
    memcpy(grown + answer->length, bytes, length);
    answer->text = grown;
    answer->length += length;
    grown[answer->length] = '\0';
    return length;
}

/* ---- headers -------------------------------------------------------------------------------- */

static int append_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *grown = curl_slist_append(*headers, line);

    if (!grown)
        return -1;
    *headers = grown;
    return 0;
}

static int append_token(struct curl_slist **headers, const char *path, char *reason,
                        size_t reason_size)
{
    char token[TOKEN_MAX + 2] = "", line[TOKEN_MAX + 32];
    FILE *file = fopen(path, "re");

    if (!file) {
        snprintf(reason, reason_size, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (!fgets(token, sizeof token, file))
        token[0] = '\0';
    fclose(file);
    token[strcspn(token, "\r\n")] = '\0';
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    if (append_header(headers, line) == 0)
        return 0;
    snprintf(reason, reason_size, "out of memory");
    return -1;
}

static int make_headers(const struct ctl_target *target, struct curl_slist **headers, char *reason,
                        size_t reason_size)
{
    /* The server would have to be asked first whether it wants the body. */
    if (append_header(headers, "Content-Type: application/json") != 0 ||
        append_header(headers, "Expect:") != 0) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    return target->token_file ? append_token(headers, target->token_file, reason, reason_size) : 0;
}

/* ---- the request ---------------------------------------------------------------------------- */

static void set_options(CURL *curl, const struct ctl_target *target,
                        const struct ctl_request *request, const char *body,
                        struct ctl_answer *answer)
{
    char url[1024];

    snprintf(url, sizeof url, "%s%s", target->url ? target->url : "http://localhost",
             request->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (!target->url)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->socket);
    /* What is asked for is on this machine or on one that is named: no proxy stands between. */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(target->timeout_s * 1000.0));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

/* As struct dvbcss_client_options has it: a pin without a file decides alone. */
static int set_trust(CURL *curl, const struct ctl_target *target, char *reason, size_t reason_size)
{
    char pin[DVBCSS_CLIENT_PIN_SIZE];
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    if (target->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca_file);
    if (!target->pin)
        return 0;
    if (dvbcss_client_pin_format(target->pin, pin, &report) != 0) {
        snprintf(reason, reason_size, "--pin: %s", report.reason);
        return -1;
    }
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
    if (!target->ca_file) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return 0;
}

/* Why a request failed. Of a socket that cannot be reached curl tells the name in the URL, which
 * nobody has asked for. */
static const char *cause_of(CURL *curl, const struct ctl_target *target, CURLcode result,
                            const char *details)
{
    long system_error = 0;

    if (!target->url && result == CURLE_COULDNT_CONNECT)
        curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
    if (system_error != 0)
        return strerror((int)system_error);
    return *details ? details : curl_easy_strerror(result);
}

static int perform(CURL *curl, const struct ctl_target *target, struct ctl_answer *answer,
                   char *reason, size_t reason_size)
{
    char details[CURL_ERROR_SIZE] = "";
    const char *where = target->url ? target->url : target->socket;
    CURLcode result;

    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
    result = curl_easy_perform(curl);
    if (result != CURLE_OK) {
        snprintf(reason, reason_size, "%s: %s; is dvbcssd there, and may you reach it?", where,
                 cause_of(curl, target, result, details));
        return -1;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    return 0;
}

int ctl_http_request(const struct ctl_target *target, const struct ctl_request *request,
                     struct ctl_answer *answer, char *reason, size_t reason_size)
{
    bool has_body = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PATCH") == 0;
    char *body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    int result = -1;

    memset(answer, 0, sizeof *answer);
    if (!curl || (request->body && !body))
        snprintf(reason, reason_size, "out of memory");
    else if (make_headers(target, &headers, reason, reason_size) == 0 &&
             set_trust(curl, target, reason, reason_size) == 0) {
        set_options(curl, target, request, body ? body : has_body ? "" : NULL, answer);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        result = perform(curl, target, answer, reason, reason_size);
    }
    if (result != 0) {
        free(answer->text);
        answer->text = NULL;
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    free(body);
    return result;
}
