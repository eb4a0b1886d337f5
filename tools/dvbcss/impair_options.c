#include "impair_options.h"

#include <stddef.h>
#include <string.h>

#include "command.h"

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
