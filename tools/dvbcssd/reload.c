#include "reload.h"

#include <string.h>

#include "config_keys.h"
#include "dvbcss/log.h"
#include "endpoints.h"
#include "limits.h"
#include "listeners.h"
#include "logging.h"

/* A configuration on its way into force. */
struct change {
    struct services *services;
    /** What was read; once in force, what was there before. */
    struct config fresh;
    struct control_guard guard;
    struct token page_token;
    /** Content or timelines differ. */
    bool presentation;
    struct reload_result *result;
};

static int refuse(struct change *change, const char *format, ...) DVBCSS_PRINTF(2, 3);

static int refuse(struct change *change, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(change->result->error, sizeof change->result->error, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- which timelines a change is about ------------------------------------------------------ */

/* A timeline's section is new, or is not what it was. */
static bool begins(const struct config *before, const struct config_timeline *wanted)
{
    const struct config_timeline *old = config_timeline_find(before, wanted->name);

    return !old || !config_timeline_equal(old, wanted);
}

/* The configuration has made it, and does not want it any more or not as it was. */
static bool ends(const struct config *before, const struct config *after,
                 const struct tv_timeline *running)
{
    const struct config_timeline *kept = config_timeline_find(after, tv_timeline_name(running));

    return tv_timeline_configured(running) && (!kept || begins(before, kept));
}

/* ---- checking ------------------------------------------------------------------------------- */

/* A timeline that the configuration has not made stays, and may stand in the way of one that it is
 * to make. */
static int check_timeline(struct change *change, const struct config_timeline *wanted)
{
    struct tv *tv = change->services->tv;
    struct tv_timeline *named = tv_timeline_named(tv, wanted->name);
    struct tv_timeline *selected = tv_timeline_selected(tv, wanted->selector);

    if (named && !tv_timeline_configured(named))
        return refuse(change, "timeline.%s: the control API has made a timeline of that name",
                      wanted->name);
    if (selected && !tv_timeline_configured(selected))
        return refuse(change, "timeline.%s: timeline %s, made by the control API, has the selector",
                      wanted->name, tv_timeline_name(selected));
    return 0;
}

/* Whether timelines of the configuration are to stand beside those that run: the programme's go
 * with it, and those of a page are not touched. */
static bool keeps_timelines(const struct change *change)
{
    const struct services *services = change->services;

    return !services->programme && !config_runs_demo(services->config) &&
           !config_runs_demo(&change->fresh) && !page_channel_presents(services->page);
}

/* Checks those that are to begin, and counts how many there will be with those that stay. */
static int check_beside_others(struct change *change, size_t *count)
{
    const struct config *before = change->services->config, *after = &change->fresh;
    const struct tv_timeline *timeline = NULL;

    *count = 0;
    while ((timeline = tv_next_timeline(change->services->tv, timeline)))
        *count += !ends(before, after, timeline);
    for (size_t i = 0; i < after->timeline_count; i++) {
        if (!begins(before, &after->timelines[i]))
            continue;
        if (check_timeline(change, &after->timelines[i]) != 0)
            return -1;
        (*count)++;
    }
    return 0;
}

static int check_timelines(struct change *change)
{
    size_t count = change->fresh.timeline_count;

    if (keeps_timelines(change) && check_beside_others(change, &count) != 0)
        return -1;
    if (count > TV_TIMELINES_MAX)
        return refuse(change, "there would be %zu timelines, but at most %d can be there", count,
                      TV_TIMELINES_MAX);
    return 0;
}

/* Everything that could fail later. */
static int check(struct change *change)
{
    struct config_error error;
    char reason[sizeof change->result->error];

    if (options_read_config(change->services->options, &change->fresh, &error) != 0)
        return refuse(change, "%s", error.text);
    if (control_guard_init(&change->guard, &change->fresh.control, reason, sizeof reason) != 0)
        return refuse(change, "%s", reason);
    if (token_init(&change->page_token, "page", change->fresh.page.token,
                   change->fresh.page.token_file, reason, sizeof reason) != 0)
        return refuse(change, "%s", reason);
    if (check_timelines(change) != 0)
        return -1;
    /* Always: the files behind the same names may be others. In force at once, and so the last. */
    if (*change->fresh.tls.certificate &&
        listeners_reload(change->services, &change->fresh.tls, reason, sizeof reason) != 0)
        return refuse(change, "%s", reason);
    return 0;
}

/* ---- appliers: called when the running configuration has the new values --------------------- */

static int apply_log(struct change *change)
{
    logging_set(&change->services->config->log);
    return 0;
}

static int apply_cii_enabled(struct change *change)
{
    return endpoint_enable(change->services, ENDPOINT_CII, change->services->config->cii.enabled);
}

static int apply_ts_enabled(struct change *change)
{
    return endpoint_enable(change->services, ENDPOINT_TS, change->services->config->ts.enabled);
}

static int apply_wc_ws_enabled(struct change *change)
{
    return endpoint_enable(change->services, ENDPOINT_WC_WS,
                           change->services->config->wc_ws.enabled);
}

static int apply_app2app_enabled(struct change *change)
{
    return endpoint_enable(change->services, ENDPOINT_APP2APP,
                           change->services->config->app2app.enabled);
}

static int apply_compatibility(struct change *change)
{
    static const enum endpoint_kind channels[] = {ENDPOINT_COMPAT_CII, ENDPOINT_COMPAT_WC,
                                                  ENDPOINT_COMPAT_TS};
    int error = 0;

    for (size_t i = 0; i < sizeof channels / sizeof *channels && error == 0; i++)
        error = endpoint_enable(change->services, channels[i],
                                change->services->config->app2app.compatibility);
    return error;
}

/* A limit counts for the channel that stands in for an endpoint, too. */
static int limit(struct change *change, enum endpoint_kind kind, enum endpoint_kind stand_in,
                 int64_t max_connections)
{
    dvbcss_endpoint_set_max_connections(endpoint_of(change->services, kind), (int)max_connections);
    dvbcss_endpoint_set_max_connections(endpoint_of(change->services, stand_in),
                                        (int)max_connections);
    return 0;
}

static int apply_cii_limit(struct change *change)
{
    return limit(change, ENDPOINT_CII, ENDPOINT_COMPAT_CII,
                 change->services->config->cii.max_connections);
}

static int apply_ts_limit(struct change *change)
{
    return limit(change, ENDPOINT_TS, ENDPOINT_COMPAT_TS,
                 change->services->config->ts.max_connections);
}

static int apply_wc_ws_limit(struct change *change)
{
    return limit(change, ENDPOINT_WC_WS, ENDPOINT_COMPAT_WC,
                 change->services->config->wc_ws.max_connections);
}

static int apply_app2app_limit(struct change *change)
{
    return limit(change, ENDPOINT_APP2APP, ENDPOINT_APP2APP,
                 change->services->config->app2app.max_connections);
}

static int apply_answers(struct change *change)
{
    static const enum endpoint_kind kinds[] = {ENDPOINT_WC_WS, ENDPOINT_COMPAT_WC};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        dvbcss_wc_ws_endpoint_set_answers_per_s(
            endpoint_wc_ws(change->services, kinds[i]),
            (unsigned)change->services->config->wc_ws_answers_per_s);
    return 0;
}

static int apply_http(struct change *change)
{
    return limits_apply_listener(change->services);
}

static int apply_rules(struct change *change)
{
    return limits_apply(change->services);
}

static int apply_page_enabled(struct change *change)
{
    return endpoint_enable(change->services, ENDPOINT_PAGE, change->services->config->page.enabled);
}

static int apply_page_limit(struct change *change)
{
    return limit(change, ENDPOINT_PAGE, ENDPOINT_PAGE,
                 change->services->config->page.max_connections);
}

static int apply_delay(struct change *change)
{
    services_set_delay(change->services, change->services->config->ts_delay_ms);
    return 0;
}

static int apply_override(struct change *change)
{
    return tv_override_content_id(change->services->tv,
                                  change->services->config->content.id_override);
}

static int apply_content(struct change *change)
{
    change->presentation = true;
    /* The programme and a page have their own. What the file left alone stays as control set it:
     * `fresh` holds the old values by now. */
    return change->services->programme || config_runs_demo(change->services->config) ||
                   page_channel_presents(change->services->page)
               ? 0
               : services_present_content(change->services, &change->fresh.content);
}

static int apply_step(struct change *change)
{
    if (change->services->programme)
        programme_set_step(change->services->programme, change->services->config->demo_step_s);
    return 0;
}

static const struct {
    const char *section;
    /** NULL for every key of the section. */
    const char *name;
    int (*apply)(struct change *change);
} appliers[] = {
    {"log", NULL, apply_log},
    {"cii", "enabled", apply_cii_enabled},
    {"cii", "max_connections", apply_cii_limit},
    {"ts", "enabled", apply_ts_enabled},
    {"ts", "max_connections", apply_ts_limit},
    {"http", NULL, apply_http},
    {"cii", NULL, apply_rules},
    {"ts", NULL, apply_rules},
    {"wc_ws", NULL, apply_rules},
    {"app2app", NULL, apply_rules},
    {"page", NULL, apply_rules},
    {"page", "enabled", apply_page_enabled},
    {"page", "max_connections", apply_page_limit},
    {"ts", "delay_ms", apply_delay},
    {"wc_ws", "enabled", apply_wc_ws_enabled},
    {"wc_ws", "max_connections", apply_wc_ws_limit},
    {"wc_ws", "answers_per_second", apply_answers},
    {"app2app", "enabled", apply_app2app_enabled},
    {"app2app", "compatibility", apply_compatibility},
    {"app2app", "max_connections", apply_app2app_limit},
    {"content", "id", apply_content},
    {"content", "id_status", apply_content},
    {"content", "presentation_status", apply_content},
    {"content", "id_override", apply_override},
    {"programme", "step", apply_step},
};
enum { APPLIERS = sizeof appliers / sizeof *appliers };

/* ---- timelines and programme ---------------------------------------------------------------- */

/* From one set of configured timelines to another: those that stay the same run on. `fresh` holds
 * the old ones by now. */
static int apply_timelines(struct change *change)
{
    const struct config *before = &change->fresh, *after = change->services->config;
    struct tv *tv = change->services->tv;
    struct tv_timeline *timeline = tv_next_timeline(tv, NULL), *next;
    int error = 0;

    for (; timeline && error == 0; timeline = next) {
        next = tv_next_timeline(tv, timeline);
        if (ends(before, after, timeline))
            error = tv_remove_timeline(timeline);
    }
    for (size_t i = 0; i < after->timeline_count && error == 0; i++) {
        if (begins(before, &after->timelines[i]))
            error = services_add_timeline(change->services, &after->timelines[i]);
    }
    return error;
}

static int apply_presentation(struct change *change)
{
    bool before = config_runs_demo(&change->fresh);
    bool after = config_runs_demo(change->services->config);

    /* What is configured is presented when the page goes. */
    if (page_channel_presents(change->services->page))
        return 0;
    if (before != after)
        return services_present_configured(change->services);
    if (after)
        return 0;
    if (!change->services->programme)
        return apply_timelines(change);
    /* The control API has started it: what is newly configured comes before it. */
    return change->presentation ? services_present_configured(change->services) : 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void note(json_t *list, const char *section, const char *name)
{
    json_array_append_new(list, json_sprintf("%s.%s", section, name));
}

/* Names the keys that changed, marks their appliers, and swaps the values of those that can change
 * now. */
static void take_keys(struct change *change, bool due[APPLIERS])
{
    struct config *running = change->services->config;

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool live = key->flags & CONFIG_LIVE;

        if (strcmp(key->section, CONFIG_TIMELINE_SECTION) == 0 ||
            config_key_equal(key, running, &change->fresh))
            continue;
        note(live ? change->result->applied : change->result->needs_restart, key->section,
             key->name);
        if (!live)
            continue;
        config_key_swap(key, running, &change->fresh);
        for (size_t a = 0; a < APPLIERS; a++)
            due[a] |= strcmp(appliers[a].section, key->section) == 0 &&
                      (!appliers[a].name || strcmp(appliers[a].name, key->name) == 0);
    }
}

static void note_timelines(struct change *change, const struct config *from,
                           const struct config *to, bool only_missing)
{
    for (size_t i = 0; i < from->timeline_count; i++) {
        const struct config_timeline *other = config_timeline_find(to, from->timelines[i].name);

        if (!other || (!only_missing && !config_timeline_equal(&from->timelines[i], other)))
            note(change->result->applied, CONFIG_TIMELINE_SECTION, from->timelines[i].name);
    }
}

static void take_timelines(struct change *change)
{
    struct config *running = change->services->config, held = *running;
    size_t noted = json_array_size(change->result->applied);

    note_timelines(change, &change->fresh, running, false);
    note_timelines(change, running, &change->fresh, true);
    change->presentation = json_array_size(change->result->applied) != noted;
    running->timelines = change->fresh.timelines;
    running->timeline_count = change->fresh.timeline_count;
    running->from_file = change->fresh.from_file;
    change->fresh.timelines = held.timelines;
    change->fresh.timeline_count = held.timeline_count;
    change->fresh.from_file = held.from_file;
}

/* What has come this far can only fail for want of memory; what could be done is done then. */
static int put_in_force(struct change *change)
{
    bool due[APPLIERS] = {false};
    int error = 0, failed;

    take_keys(change, due);
    take_timelines(change);
    /* Always: the file behind the same name may have another token. */
    if (change->services->control)
        control_swap_guard(change->services->control, &change->guard);
    for (size_t i = 0; i < APPLIERS; i++) {
        failed = due[i] ? appliers[i].apply(change) : 0;
        error = error == 0 ? failed : error;
    }
    failed = page_channel_configure(change->services->page, &change->page_token);
    error = error == 0 ? failed : error;
    failed = apply_presentation(change);
    error = error == 0 ? failed : error;
    failed = tv_publish(change->services->tv);
    return error == 0 ? failed : error;
}

static void tell(const struct services *services, const struct reload_result *result, int refused)
{
    const char *status = "serving";

    if (refused != 0) {
        status = "serving; the last reload was refused";
        dvbcss_log(DVBCSS_LOG_ERROR, "reload", "refused, the configuration stays: %s",
                   result->error);
    } else if (result->failure != 0) {
        status = "serving; the last reload failed in part";
        dvbcss_log(DVBCSS_LOG_ERROR, "reload", "not all of it could be put in force: %s",
                   dvbcss_error_text(result->failure));
    } else {
        dvbcss_log(DVBCSS_LOG_INFO, "reload", "%zu changes in force, %zu need a restart",
                   json_array_size(result->applied), json_array_size(result->needs_restart));
    }
    for (size_t i = 0; i < json_array_size(result->needs_restart); i++)
        dvbcss_log(DVBCSS_LOG_WARNING, "reload", "%s needs a restart to change",
                   json_string_value(json_array_get(result->needs_restart, i)));
    notify_ready(services->notify, status);
}

int reload(struct services *services, struct reload_result *result)
{
    struct change change = {.services = services, .result = result};
    int refused;

    memset(result, 0, sizeof *result);
    notify_reloading(services->notify);
    refused = config_init(&change.fresh) == 0 ? check(&change) : refuse(&change, "out of memory");
    if (refused == 0) {
        result->applied = json_array();
        result->needs_restart = json_array();
        result->failure = put_in_force(&change);
        services->reloads++;
    } else {
        services->failed_reloads++;
    }
    control_guard_finish(&change.guard);
    token_finish(&change.page_token);
    config_finish(&change.fresh);
    tell(services, result, refused);
    return refused;
}

void reload_result_finish(struct reload_result *result)
{
    json_decref(result->applied);
    json_decref(result->needs_restart);
    result->applied = NULL;
    result->needs_restart = NULL;
}
