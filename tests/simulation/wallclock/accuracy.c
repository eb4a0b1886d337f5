/*
 * Runs rules over network models and prints one line of figures per run, as CSV. script/accuracy
 * makes a table of them. The time until right again is "-" if there was no event or not its end,
 * "nan" for never.
 *
 * Usage: wc_accuracy [--hours H] [--seeds N] [--network NAME] [--rule NAME]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_run.h"

struct selection {
    double hours;
    unsigned seeds;
    const char *network;
    const char *rule;
};

static bool chosen(const char *wanted, const char *name)
{
    return !wanted || strcmp(wanted, name) == 0;
}

static void print_run(const struct sim_setting *setting)
{
    struct sim_result result;
    char recovery[32] = "-";

    sim_run(setting, &result);
    if (result.event_over)
        snprintf(recovery, sizeof recovery, "%.3f", result.recovery_s);
    printf("%s,%s,%s,%llu,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%.8f,%.6f,%.3f,%.3f,%.3f,%s,%.4f,%u\n",
           setting->network->name, setting->rule->name, setting->rule->title,
           (unsigned long long)setting->seed, result.p50_ms, result.p95_ms, result.p99_ms,
           result.max_ms, result.bound_p50_ms, result.rtt_min_ms, result.coverage,
           result.availability, result.goal_s[0], result.goal_s[1], result.goal_s[2], recovery,
           result.requests_per_s, result.backward_steps);
    fflush(stdout);
}

static void print_runs(const struct selection *selection)
{
    printf("network,rule,title,seed,p50_ms,p95_ms,p99_ms,max_ms,bound_p50_ms,rtt_min_ms,coverage,"
           "availability,to_10_ms_s,to_5_ms_s,to_1_ms_s,recovery_s,requests_per_s,"
           "backward_steps\n");
    for (const struct impair_model *model = impair_models; model->name; model++) {
        for (size_t r = 0; r < sim_rule_count; r++) {
            struct sim_setting setting = {
                .network = model, .rule = &sim_rules[r], .duration_s = selection->hours * 3600};

            if (!chosen(selection->network, setting.network->name) ||
                !chosen(selection->rule, setting.rule->name))
                continue;
            for (setting.seed = 1; setting.seed <= selection->seeds; setting.seed++)
                print_run(&setting);
        }
    }
}

static bool parse(int count, char **arguments, struct selection *selection)
{
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : NULL;

        if (!value)
            return false;
        if (strcmp(name, "--hours") == 0)
            selection->hours = atof(value);
        else if (strcmp(name, "--seeds") == 0)
            selection->seeds = (unsigned)atoi(value);
        else if (strcmp(name, "--network") == 0)
            selection->network = value;
        else if (strcmp(name, "--rule") == 0)
            selection->rule = value;
        else
            return false;
    }
    return selection->hours > 0.02 &&
           (!selection->network || impair_model_find(selection->network)) &&
           (!selection->rule || sim_rule_find(selection->rule));
}

int main(int count, char **arguments)
{
    struct selection selection = {24, 20, NULL, NULL};

    if (!parse(count, arguments, &selection)) {
        fprintf(stderr, "usage: %s [--hours H] [--seeds N] [--network NAME] [--rule NAME]\n",
                arguments[0]);
        return 2;
    }
    print_runs(&selection);
    return 0;
}
