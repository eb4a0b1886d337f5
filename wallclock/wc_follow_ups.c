#include "wallclock/wc_follow_ups.h"

#include "dvbcss/alloc.h"
#include "dvbcss/wc.h"

/* An answer whose stamp is still to come. */
struct kept_answer {
    struct wc_packet packet;
    int64_t deadline_ns;
};

struct wc_follow_ups {
    struct wc_socket *socket;
    struct dvbcss_wc_server_counters *counters;
    /* A ring: `kept_count` answers from `first` on, the oldest first. */
    struct kept_answer kept[WC_FOLLOW_UPS_KEPT];
    unsigned first;
    unsigned kept_count;
    /* What is to be sent next. */
    struct wc_packet *outgoing[WC_SOCKET_BATCH];
    unsigned outgoing_count;
};

static struct kept_answer *kept_at(struct wc_follow_ups *follow_ups, unsigned index)
{
    return &follow_ups->kept[(follow_ups->first + index) % WC_FOLLOW_UPS_KEPT];
}

/* ---- sending -------------------------------------------------------------------------------- */

static void send_outgoing(struct wc_follow_ups *follow_ups)
{
    struct dvbcss_wc_server_counters *counters = follow_ups->counters;
    unsigned count = follow_ups->outgoing_count;
    unsigned sent = wc_socket_send(follow_ups->socket, follow_ups->outgoing, count, false);

    for (unsigned i = 0; i < count; i++) {
        const struct wc_packet *packet = follow_ups->outgoing[i];

        if (packet->stamped && packet->send_errno == 0)
            counters->stamped_follow_ups++;
    }
    counters->follow_ups += sent;
    counters->send_failures += count - sent;
    follow_ups->outgoing_count = 0;
}

/* Turns an answer into its follow-up, to be sent with others; it stays where it is until then. */
static void follow_up(struct wc_follow_ups *follow_ups, struct wc_packet *answer)
{
    /* A time that cannot be expressed is not told. */
    if (dvbcss_wc_follow_up(answer->bytes, answer->time_ns, answer->bytes) != 0)
        return;
    follow_ups->outgoing[follow_ups->outgoing_count++] = answer;
    if (follow_ups->outgoing_count == WC_SOCKET_BATCH)
        send_outgoing(follow_ups);
}

/* ---- keeping -------------------------------------------------------------------------------- */

/* Finds the stamps that have come, for those kept and for the answers just sent. Returns how many
 * of the latter there are, without those that were refused. */
static unsigned take_stamps(struct wc_follow_ups *follow_ups, struct wc_packet *const *answers,
                            unsigned count, struct wc_packet **sent)
{
    struct wc_packet *all[WC_FOLLOW_UPS_KEPT + WC_SOCKET_BATCH];
    unsigned all_count = 0;
    unsigned sent_count = 0;

    for (unsigned i = 0; i < follow_ups->kept_count; i++)
        all[all_count++] = &kept_at(follow_ups, i)->packet;
    for (unsigned i = 0; i < count; i++) {
        if (answers[i]->send_errno == 0)
            all[all_count++] = sent[sent_count++] = answers[i];
    }
    wc_socket_transmit_times(follow_ups->socket, all, all_count);
    return sent_count;
}

static bool waits(const struct kept_answer *kept, int64_t now_ns)
{
    return kept->packet.stamp_due && kept->deadline_ns > now_ns;
}

/* Follows up those kept that wait for nothing any more, and closes the ranks. */
static void release_kept(struct wc_follow_ups *follow_ups, int64_t now_ns)
{
    unsigned left = 0;

    for (unsigned i = 0; i < follow_ups->kept_count; i++) {
        struct kept_answer *kept = kept_at(follow_ups, i);

        if (!waits(kept, now_ns))
            follow_up(follow_ups, &kept->packet);
    }
    /* Before their places are taken. */
    send_outgoing(follow_ups);
    for (unsigned i = 0; i < follow_ups->kept_count; i++) {
        const struct kept_answer *kept = kept_at(follow_ups, i);

        if (waits(kept, now_ns))
            *kept_at(follow_ups, left++) = *kept;
    }
    follow_ups->kept_count = left;
}

/* Follows up the oldest of those kept until there is room for so many more. */
static void make_room(struct wc_follow_ups *follow_ups, unsigned count)
{
    unsigned wanted = follow_ups->kept_count + count;
    unsigned released = wanted > WC_FOLLOW_UPS_KEPT ? wanted - WC_FOLLOW_UPS_KEPT : 0;

    for (unsigned i = 0; i < released; i++)
        follow_up(follow_ups, &kept_at(follow_ups, i)->packet);
    send_outgoing(follow_ups);
    follow_ups->first = (follow_ups->first + released) % WC_FOLLOW_UPS_KEPT;
    follow_ups->kept_count -= released;
}

static void keep(struct wc_follow_ups *follow_ups, const struct wc_packet *answer, int64_t now_ns)
{
    *kept_at(follow_ups, follow_ups->kept_count++) =
        (struct kept_answer){*answer, now_ns + WC_FOLLOW_UP_WAIT_NS};
}

void wc_follow_ups_add(struct wc_follow_ups *follow_ups, struct wc_packet *const *answers,
                       unsigned count, int64_t now_ns)
{
    struct wc_packet *sent[WC_SOCKET_BATCH];
    unsigned sent_count = take_stamps(follow_ups, answers, count, sent);
    unsigned late = 0;

    release_kept(follow_ups, now_ns);
    for (unsigned i = 0; i < sent_count; i++) {
        if (sent[i]->stamp_due)
            sent[late++] = sent[i];
        else
            follow_up(follow_ups, sent[i]);
    }
    make_room(follow_ups, late);
    for (unsigned i = 0; i < late; i++)
        keep(follow_ups, sent[i], now_ns);
}

void wc_follow_ups_send_due(struct wc_follow_ups *follow_ups, int64_t now_ns)
{
    wc_follow_ups_add(follow_ups, NULL, 0, now_ns);
}

int64_t wc_follow_ups_wait_ns(const struct wc_follow_ups *follow_ups, int64_t now_ns)
{
    int64_t deadline_ns;

    if (follow_ups->kept_count == 0)
        return -1;
    deadline_ns = follow_ups->kept[follow_ups->first].deadline_ns;
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

int wc_follow_ups_create(struct wc_follow_ups **out, struct wc_socket *socket,
                         struct dvbcss_wc_server_counters *counters)
{
    struct wc_follow_ups *follow_ups = dvbcss_calloc(1, sizeof *follow_ups);

    if (!follow_ups)
        return DVBCSS_ENOMEM;
    follow_ups->socket = socket;
    follow_ups->counters = counters;
    *out = follow_ups;
    return 0;
}

void wc_follow_ups_destroy(struct wc_follow_ups *follow_ups)
{
    if (!follow_ups)
        return;
    wc_follow_ups_send_due(follow_ups, INT64_MAX);
    dvbcss_free(follow_ups);
}
