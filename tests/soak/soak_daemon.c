#include "soak_daemon.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, ANSWER_MAX = 4 << 20 };

/* ---- life ------------------------------------------------------------------------------------ */

static void run(const struct soak_daemon *daemon, const char *program, const char *const *settings,
                int out)
{
    char socket[128];
    char certificate[128];
    const char *const own[] = {socket, certificate, "tls.enabled=yes", "tls.address=127.0.0.1",
                               "tls.port=0"};
    const char *arguments[ARGUMENTS_MAX] = {program, "--ready-file", "-"};
    size_t count = 3;

    snprintf(socket, sizeof socket, "control.socket=%s", daemon->socket);
    snprintf(certificate, sizeof certificate, "tls.certificate=%s", daemon->certificate);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        arguments[count++] = "--set";
        arguments[count++] = own[i];
    }
    for (size_t i = 0; settings[i] && count + 3 < ARGUMENTS_MAX; i++) {
        arguments[count++] = "--set";
        arguments[count++] = settings[i];
    }
    dup2(out, STDOUT_FILENO);
    execv(program, (char *const *)(uintptr_t)arguments);
    perror(program);
    _exit(127);
}

static uint16_t port_of(const json_t *urls, const char *name)
{
    const char *url = json_string_value(json_object_get(urls, name));
    const char *colon = url ? strrchr(url, ':') : NULL;

    return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

/* Reads the ports out of the ready file's one line. */
static bool read_ready(struct soak_daemon *daemon, FILE *ready)
{
    json_t *urls = json_loadf(ready, JSON_DISABLE_EOF_CHECK, NULL);

    daemon->port = port_of(urls, "http");
    daemon->tls_port = port_of(urls, "https");
    json_decref(urls);
    return daemon->port != 0 && daemon->tls_port != 0;
}

static void remove_files(const struct soak_daemon *daemon)
{
    rmdir(daemon->folder);
    unlink(daemon->certificate);
}

bool soak_daemon_start(struct soak_daemon *daemon, const char *program, const char *const *settings)
{
    FILE *ready;
    int ends[2];
    bool good;

    memset(daemon, 0, sizeof *daemon);
    strcpy(daemon->folder, "/tmp/dvbcss-soak-XXXXXX");
    if (!mkdtemp(daemon->folder) || pipe(ends) != 0)
        return false;
    snprintf(daemon->socket, sizeof daemon->socket, "%s/control.sock", daemon->folder);
    toy_certificate_write("IP:127.0.0.1", 24 * 3600, daemon->certificate);
    daemon->pid = fork();
    if (daemon->pid == 0) {
        close(ends[0]);
        run(daemon, program, settings, ends[1]);
    }
    close(ends[1]);
    ready = fdopen(ends[0], "r");
    good = daemon->pid > 0 && ready && read_ready(daemon, ready);
    if (ready)
        fclose(ready);
    if (!good) {
        fprintf(stderr, "soak: %s does not serve\n", program);
        remove_files(daemon);
    }
    return good;
}

bool soak_daemon_stop(struct soak_daemon *daemon)
{
    int status = -1;

    if (daemon->pid <= 0)
        return false;
    kill(daemon->pid, SIGTERM);
    while (waitpid(daemon->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    remove_files(daemon);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    fprintf(stderr, "soak: the daemon ended with status %#x\n", (unsigned)status);
    return false;
}

/* ---- what it uses ---------------------------------------------------------------------------- */

static unsigned count_entries(const char *path)
{
    DIR *folder = opendir(path);
    unsigned count = 0;

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

struct soak_usage soak_daemon_usage(const struct soak_daemon *daemon)
{
    struct soak_usage usage = {0, 0};
    char path[64];
    long pages = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)daemon->pid);
    file = fopen(path, "r");
    if (file && fscanf(file, "%*d %ld", &pages) == 1)
        usage.memory_kb = pages * (sysconf(_SC_PAGESIZE) / 1024);
    if (file)
        fclose(file);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->pid);
    usage.descriptors = count_entries(path);
    return usage;
}

/* ---- control --------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Sends a request and reads up to the end of the connection. Returns the text, to be freed. */
static char *exchange(int fd, const char *request, size_t length)
{
    char *text = malloc(ANSWER_MAX + 1);
    size_t used = 0;
    ssize_t count;

    if (!text || write(fd, request, length) != (ssize_t)length) {
        free(text);
        return NULL;
    }
    while (used < ANSWER_MAX && (count = read(fd, text + used, ANSWER_MAX - used)) > 0)
        used += (size_t)count;
    text[used] = '\0';
    return text;
}

int soak_daemon_request(const struct soak_daemon *daemon, const char *method, const char *path,
                        json_t *body, json_t **answer)
{
    char *body_text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int fd = connect_to(daemon->socket);
    char request[4096];
    char *text = NULL;
    const char *content;
    int status = 0;
    int length =
        snprintf(request, sizeof request,
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 method, path, body_text ? strlen(body_text) : 0, body_text ? body_text : "");

    if (fd >= 0) {
        text = exchange(fd, request, (size_t)length);
        close(fd);
    }
    if (text && sscanf(text, "HTTP/1.%*c %d", &status) != 1)
        status = 0;
    content = text ? strstr(text, "\r\n\r\n") : NULL;
    if (answer)
        *answer = content ? json_loads(content + 4, JSON_DECODE_ANY, NULL) : NULL;
    json_decref(body);
    free(body_text);
    free(text);
    return status;
}

json_t *soak_daemon_get(const struct soak_daemon *daemon, const char *path)
{
    json_t *answer = NULL;
    int status = soak_daemon_request(daemon, "GET", path, NULL, &answer);

    if (status != 200 || !answer) {
        fprintf(stderr, "soak: GET %s was answered with %d\n", path, status);
        kill(daemon->pid, SIGTERM);
        exit(1);
    }
    return answer;
}
