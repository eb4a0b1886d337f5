/*
 * A wall-clock server on a plain poll() loop: libdvbcss-core alone, no event-loop library.
 *
 *     example_core_responder ADDRESS PORT [ANSWERS]
 *
 * Port 0 takes a free one; the port is printed. With ANSWERS it ends after so many.
 */
#include <arpa/inet.h>
#include <dvbcss/error.h>
#include <dvbcss/wc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The wall clock of this server: the monotonic time of the machine. */
static int64_t wall_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_socket(const char *address, const char *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtol(port, NULL, 10))};
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || inet_pton(AF_INET, address, &name.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&name, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
        perror(address);
        return -1;
    }
    printf("%d\n", ntohs(name.sin_port));
    fflush(stdout);
    return fd;
}

/* Takes one datagram; returns 1 if it was answered. */
static int answer_one(int fd, struct dvbcss_wc_responder *responder)
{
    /* One byte more than a message: a longer datagram is seen to be longer. */
    uint8_t datagram[DVBCSS_WC_MESSAGE_SIZE + 1];
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    ssize_t length =
        recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&peer, &peer_size);
    int64_t receive_ns = wall_clock_ns();

    if (length < 0 || dvbcss_wc_respond(responder, datagram, (size_t)length, receive_ns,
                                        wall_clock_ns(), datagram) != DVBCSS_WC_ANSWERED)
        return 0;
    return sendto(fd, datagram, DVBCSS_WC_MESSAGE_SIZE, 0, (struct sockaddr *)&peer, peer_size) ==
           DVBCSS_WC_MESSAGE_SIZE;
}

int main(int argc, char **argv)
{
    struct dvbcss_wc_responder_options options = DVBCSS_WC_RESPONDER_OPTIONS_INIT;
    struct dvbcss_wc_responder responder;
    struct pollfd poll_fd = {.events = POLLIN};
    int answers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : -1;

    options.precision_s = 1e-6;
    if (argc < 3 || dvbcss_wc_responder_init(&responder, &options) != DVBCSS_OK) {
        fprintf(stderr, "usage: %s ADDRESS PORT [ANSWERS]\n", argv[0]);
        return 2;
    }
    poll_fd.fd = open_socket(argv[1], argv[2]);
    if (poll_fd.fd < 0)
        return 1;
    while (answers != 0 && poll(&poll_fd, 1, -1) == 1) {
        if (answer_one(poll_fd.fd, &responder) && answers > 0)
            answers--;
    }
    close(poll_fd.fd);
    return answers == 0 ? 0 : 1;
}
