#include "app2app/app2app_backlog.h"

struct survey {
    const struct app2app_client *to;
    /* Of the message that is to wait for it. */
    size_t length;
    size_t of_address;
    size_t in_all;
    struct dvbcss_connection *fullest;
    size_t fullest_bytes;
};

/* Whose limits the backlog of a client concerns. */
static const struct app2app_address *payer(const struct app2app_client *client)
{
    return client->place.local && client->partner ? &client->partner->address : &client->address;
}

static void visit(void *user, struct dvbcss_connection *connection)
{
    const struct app2app_client *client = app2app_client_of(connection);
    struct dvbcss_connection_counters counters;
    struct survey *survey = user;
    size_t bytes;

    /* What waits for one that is closing goes with it, before anything else comes. */
    if (dvbcss_connection_closing(connection))
        return;
    dvbcss_connection_counters(connection, &counters);
    bytes = counters.queued_bytes + (client == survey->to ? survey->length : 0);
    survey->in_all += bytes;
    if (client == survey->to || app2app_address_equal(payer(client), payer(survey->to)))
        survey->of_address += bytes;
    if (bytes > survey->fullest_bytes) {
        survey->fullest = connection;
        survey->fullest_bytes = bytes;
    }
}

struct app2app_backlog_excess
app2app_backlog_find_excess(struct dvbcss_endpoint *base,
                            const struct app2app_backlog_limits *limits,
                            const struct app2app_client *to, size_t length)
{
    struct survey survey = {to, length, 0, 0, NULL, 0};

    dvbcss_endpoint_each(base, visit, &survey);
    if (payer(to)->limited && survey.of_address > limits->per_address)
        return (struct app2app_backlog_excess){to->connection,
                                               "too much waits for clients of one address"};
    if (survey.in_all > limits->in_all)
        return (struct app2app_backlog_excess){
            survey.fullest, "too much waits for all clients, and most for this one"};
    return (struct app2app_backlog_excess){NULL, NULL};
}
