#include "impair_options.h"

#include <stddef.h>
#include <string.h>

#include "impair_relay.h"

/* A figure of a model. */
struct setting {
    size_t offset;
    double low;
    double high;
};

#define SETTING(name, text, member, low, high) {offsetof(struct impair_model, member), low, high},
static const struct setting settings[IMPAIR_SETTINGS] = {IMPAIR_SETTING_MAP(SETTING)};
#undef SETTING

bool impair_options_own(int option)
{
    return option >= IMPAIR_OPTION_MODEL && option < IMPAIR_OPTION_END;
}

bool impair_options_take(struct impair_options *options, int option, const char *argument)
{
    unsigned index = (unsigned)(option - IMPAIR_OPTION_FIRST_SETTING);
    int64_t seed;

    switch (option) {
    case IMPAIR_OPTION_MODEL:
        options->model = impair_model_find(argument);
        return options->model != NULL;
    case IMPAIR_OPTION_SEED:
        if (!read_integer(argument, 0, INT64_MAX, &seed))
            return false;
        options->seed = (uint64_t)seed;
        return true;
    default:
        options->given[index] = true;
        return read_number(argument, settings[index].low, settings[index].high,
                           &options->value[index]);
    }
}

bool impair_options_given(const struct impair_options *options, enum impair_option setting)
{
    return options->given[setting - IMPAIR_OPTION_FIRST_SETTING];
}

bool impair_options_check_event(const struct impair_options *options, const struct command *command,
                                const struct impair_model *model, double duration_s)
{
    bool at_given = impair_options_given(options, IMPAIR_OPTION_EVENT_AT);
    bool for_given = impair_options_given(options, IMPAIR_OPTION_EVENT_FOR);
    bool ends = model->event == IMPAIR_SERVER_RESTART || model->event == IMPAIR_CLIENT_SLEEP;

    if (!at_given && !for_given)
        return true;
    if (model->event == IMPAIR_NO_EVENT)
        usage_error(command, "%s is without effect: the network %s has no event",
                    at_given ? "--event-at" : "--event-for", model->name);
    else if (for_given && !ends)
        usage_error(command, "--event-for is without effect: the event of the network %s stays",
                    model->name);
    else if (duration_s > 0 && model->event_at_s >= duration_s)
        usage_error(command, "--event-at %g is not before the end, --duration %g",
                    model->event_at_s, duration_s);
    else if (duration_s > 0 && ends && model->event_at_s + model->event_for_s >= duration_s)
        usage_error(command,
                    "--event-at %g and --event-for %g are not over before the end, --duration %g",
                    model->event_at_s, model->event_for_s, duration_s);
    else
        return true;
    return false;
}

void impair_options_check_realtime(const struct command *command)
{
    int error = impair_relay_try_realtime();

    if (error != 0)
        failure(command,
                "--realtime is without effect: %s; it needs CAP_SYS_NICE or a limit of real-time "
                "priorities (ulimit -r)",
                strerror(error));
}

struct impair_model impair_options_model(const struct impair_options *options)
{
    struct impair_model model = options->model ? *options->model : impair_models[0];

    for (unsigned i = 0; i < IMPAIR_SETTINGS; i++) {
        if (options->given[i])
            memcpy((char *)&model + settings[i].offset, &options->value[i],
                   sizeof options->value[i]);
    }
    return model;
}
