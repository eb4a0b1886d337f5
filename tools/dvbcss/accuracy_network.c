#include "accuracy_network.h"

static void close_relay(void *user)
{
    struct accuracy_network *network = user;

    if (network->relay)
        network->stats = *impair_relay_stats(network->relay);
    impair_relay_close(network->relay);
    network->relay = NULL;
}

int accuracy_network_start(struct accuracy_network *network,
                           const struct impair_relay_options *options)
{
    int error = accuracy_thread_init(&network->thread, NULL, close_relay, network);

    if (error == 0)
        error = impair_relay_create(&network->relay, &network->thread.loop, options);
    if (error != 0)
        return error;
    network->address = *impair_relay_address(network->relay);
    return accuracy_thread_run(&network->thread);
}

void accuracy_network_end(struct accuracy_network *network)
{
    accuracy_thread_end(&network->thread);
}
