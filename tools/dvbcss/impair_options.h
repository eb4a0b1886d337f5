/**
 * @file
 * The options that choose a model of a network and change single figures of it: for the commands
 * that put one between a client and a server.
 */
#ifndef DVBCSS_TOOL_IMPAIR_OPTIONS_H
#define DVBCSS_TOOL_IMPAIR_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "impair_model.h"

/**
 * The figures: enumerator, option, member of struct impair_model, smallest and largest value.
 * They change the model whatever the order of the options.
 */
#define IMPAIR_SETTING_MAP(X)                                                                      \
    X(DELAY_UP, "delay-up-ms", delay[IMPAIR_UP].base_ms, 0, 60000)                                 \
    X(DELAY_DOWN, "delay-down-ms", delay[IMPAIR_DOWN].base_ms, 0, 60000)                           \
    X(JITTER_UP, "jitter-up-ms", delay[IMPAIR_UP].jitter_ms, 0, 60000)                             \
    X(JITTER_DOWN, "jitter-down-ms", delay[IMPAIR_DOWN].jitter_ms, 0, 60000)                       \
    X(EXTRA, "extra", extra_share, 0, 1)                                                           \
    X(EXTRA_MS, "extra-ms", extra.jitter_ms, 0, 60000)                                             \
    X(LOSS, "loss", loss, 0, 1)                                                                    \
    X(BAD_LOSS, "bad-loss", bad_loss, 0, 1)                                                        \
    X(GOOD_S, "good-s", loss_phases.first_mean_s, 0.001, 1e6)                                      \
    X(BAD_S, "bad-s", loss_phases.second_mean_s, 0.001, 1e6)                                       \
    X(BUSY_S, "busy-s", load_phases.first_mean_s, 0.001, 1e6)                                      \
    X(CALM_S, "calm-s", load_phases.second_mean_s, 0.001, 1e6)                                     \
    X(DUPLICATE, "duplicate", duplicate_share, 0, 1)                                               \
    X(HELD, "held", held_share, 0, 1)                                                              \
    X(BEACON_MS, "beacon-ms", beacon_ms, 1, 10000)                                                 \
    X(EVENT_AT, "event-at", event_at_s, 0, 1e6)                                                    \
    X(EVENT_FOR, "event-for", event_for_s, 0, 1e6)                                                 \
    X(FORGED, "forged-hz", forged_hz, 0, 10000)                                                    \
    X(REPLAYED, "replayed-hz", replayed_hz, 0, 10000)

/** Values of getopt_long() for these options; a command's own begin below. */
enum impair_option {
    IMPAIR_OPTION_MODEL = 1000,
    IMPAIR_OPTION_SEED,
    IMPAIR_OPTION_FIRST_SETTING,
    IMPAIR_OPTION_BEFORE_SETTINGS = IMPAIR_OPTION_FIRST_SETTING - 1,
#define IMPAIR_OPTION_ENUM(name, text, member, low, high) IMPAIR_OPTION_##name,
    IMPAIR_SETTING_MAP(IMPAIR_OPTION_ENUM)
#undef IMPAIR_OPTION_ENUM
        IMPAIR_OPTION_END,
};

enum { IMPAIR_SETTINGS = IMPAIR_OPTION_END - IMPAIR_OPTION_FIRST_SETTING };

#define IMPAIR_OPTION_ENTRY(name, text, member, low, high)                                         \
    {text, required_argument, NULL, IMPAIR_OPTION_##name},

/** The entries for getopt_long(), each followed by a comma. */
#define IMPAIR_OPTIONS                                                                             \
    {"model", required_argument, NULL, IMPAIR_OPTION_MODEL},                                       \
        {"seed", required_argument, NULL, IMPAIR_OPTION_SEED},                                     \
        IMPAIR_SETTING_MAP(IMPAIR_OPTION_ENTRY)

#define HELP_IMPAIR_OPTIONS                                                                        \
    "      --model NAME            the network; 'dvbcss impair --models' lists them (none)\n"      \
    "      --seed N                start of the random numbers (1)\n"                              \
    "Single figures of the model; shares are from 0 to 1:\n"                                       \
    "      --delay-up-ms, --delay-down-ms MS    least delay towards server and client\n"           \
    "      --jitter-up-ms, --jitter-down-ms MS  what is drawn on top: its mean, or its median\n"   \
    "      --extra SHARE, --extra-ms MS         this share takes longer by so much (mean)\n"       \
    "      --loss SHARE                         lost each way\n"                                   \
    "      --bad-loss SHARE, --good-s, --bad-s SECONDS  lost in bad times; mean of both\n"         \
    "      --busy-s, --calm-s SECONDS           mean of times with and without load\n"             \
    "      --duplicate SHARE                    arrive twice\n"                                    \
    "      --held SHARE, --beacon-ms MS         held until the next beacon\n"                      \
    "      --event-at, --event-for SECONDS      when the model's event comes, how long it takes\n" \
    "      --forged-hz, --replayed-hz N         forged and old answers per second and client\n"

/** What these options said. Zeros, but for the seed, are none. */
struct impair_options {
    const struct impair_model *model;
    uint64_t seed;
    bool given[IMPAIR_SETTINGS];
    double value[IMPAIR_SETTINGS];
};

#define IMPAIR_OPTIONS_DEFAULT                                                                     \
    {                                                                                              \
        .seed = 1                                                                                  \
    }

/** Whether an option is one of these. */
bool impair_options_own(int option);

/** Takes one of them; false for a bad value. */
bool impair_options_take(struct impair_options *options, int option, const char *argument);

/** Whether a figure was given. @p setting is its option. */
bool impair_options_given(const struct impair_options *options, enum impair_option setting);

/**
 * Says what is wrong with --event-at and --event-for for a network that is there for so long.
 *
 * @param model      with the figures that were given
 * @param duration_s 0 for no end
 * @return false if something is
 */
bool impair_options_check_event(const struct impair_options *options, const struct command *command,
                                const struct impair_model *model, double duration_s);

/** Says so if --realtime will be without effect, because it is not permitted. */
void impair_options_check_realtime(const struct command *command);

/** The model with the figures that were given. */
struct impair_model impair_options_model(const struct impair_options *options);

#endif
