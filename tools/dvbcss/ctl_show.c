#include "ctl_show.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { CELL_SIZE = 160, COLUMNS_MAX = 12 };

/* A column of a table: its title, and where the value is, as "traffic.messages_out". */
struct column {
    const char *title;
    const char *path;
};

/* ---- values --------------------------------------------------------------------------------- */

static const json_t *at_path(const json_t *object, const char *path)
{
    char name[64];
    size_t length = strcspn(path, ".");

    snprintf(name, sizeof name, "%.*s", (int)length, path);
    object = json_object_get(object, name);
    return path[length] == '.' && object ? at_path(object, path + length + 1) : object;
}

static const char *cell_text(const json_t *value, char cell[CELL_SIZE])
{
    char *dump;

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
        snprintf(cell, CELL_SIZE, "-");
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        snprintf(cell, CELL_SIZE, "%s", json_is_true(value) ? "yes" : "no");
        break;
    case JSON_INTEGER:
        snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(cell, CELL_SIZE, "%.9g", json_real_value(value));
        break;
    case JSON_STRING:
        terminal_escape(cell, CELL_SIZE, json_string_value(value));
        break;
    default:
        dump = json_dumps(value, JSON_COMPACT);
        terminal_escape(cell, CELL_SIZE, dump ? dump : "?");
        free(dump);
    }
    return cell;
}

/* ---- tables --------------------------------------------------------------------------------- */

static void measure(const json_t *rows, const struct column *columns, size_t count, int *widths)
{
    char cell[CELL_SIZE];
    const json_t *row;
    size_t i;

    for (size_t c = 0; c < count; c++) {
        widths[c] = (int)strlen(columns[c].title);
        json_array_foreach (rows, i, row) {
            int width = (int)strlen(cell_text(at_path(row, columns[c].path), cell));

            if (width > widths[c])
                widths[c] = width;
        }
    }
}

/* The last cell of a line has nothing behind it. */
static void print_cell(const char *text, int width, bool last)
{
    if (last)
        printf("%s\n", text);
    else
        printf("%-*s  ", width, text);
}

static void print_table(const json_t *rows, const struct column *columns, size_t count)
{
    int widths[COLUMNS_MAX];
    char cell[CELL_SIZE];
    const json_t *row;
    size_t i;

    measure(rows, columns, count, widths);
    for (size_t c = 0; c < count; c++)
        print_cell(columns[c].title, widths[c], c + 1 == count);
    json_array_foreach (rows, i, row) {
        for (size_t c = 0; c < count; c++)
            print_cell(cell_text(at_path(row, columns[c].path), cell), widths[c], c + 1 == count);
    }
}

#define PRINT_TABLE(rows, columns) print_table(rows, columns, sizeof columns / sizeof *columns)

static const struct column endpoint_columns[] = {{"ENDPOINT", "name"},
                                                 {"PATH", "path"},
                                                 {"ENABLED", "enabled"},
                                                 {"CONNECTIONS", "connections"},
                                                 {"LIMIT", "max_connections"}};

static const struct column timeline_columns[] = {
    {"TIMELINE", "name"},       {"TICK RATE", "tick_rate"},       {"POSITION", "position_ticks"},
    {"SPEED", "speed"},         {"EFFECTIVE", "effective_speed"}, {"AVAILABLE", "available"},
    {"ACCURACY", "accuracy_s"}, {"SELECTOR", "selector"}};

void ctl_show_endpoints(json_t *what)
{
    PRINT_TABLE(json_object_get(what, "endpoints"), endpoint_columns);
}

void ctl_show_timelines(json_t *what)
{
    PRINT_TABLE(json_object_get(what, "timelines"), timeline_columns);
}

void ctl_show_connections(json_t *what)
{
    static const struct column columns[] = {{"CONNECTION", "id"},
                                            {"ADDRESS", "address"},
                                            {"AGE/S", "age_s"},
                                            {"IN", "traffic.messages_in"},
                                            {"OUT", "traffic.messages_out"},
                                            {"QUEUED", "traffic.queued_messages"},
                                            {"DROPPED", "traffic.dropped"},
                                            {"STATE", "ts.state"},
                                            {"SELECTOR", "ts.asked_for.timeline_selector"},
                                            {"STEM", "ts.asked_for.content_id_stem"},
                                            {"EARLIEST", "ts.reported.earliest.wall_clock_time_ns"},
                                            {"LATEST", "ts.reported.latest.wall_clock_time_ns"}};

    PRINT_TABLE(json_object_get(what, "connections"), columns);
}

void ctl_show_scheduled(json_t *what)
{
    static const struct column columns[] = {
        {"ID", "id"}, {"AT/NS", "at_ns"}, {"TIMELINE", "timeline"}, {"CHANGE", "change"}};

    PRINT_TABLE(json_object_get(what, "scheduled"), columns);
}

/* ---- objects -------------------------------------------------------------------------------- */

void ctl_show_object(json_t *what)
{
    const char *name;
    json_t *value;
    char cell[CELL_SIZE];

    json_object_foreach (what, name, value) {
        terminal_print(stdout, "%-20s %s", name, cell_text(value, cell));
        putchar('\n');
    }
}

static void show_alone(json_t *what, const struct column *columns, size_t count)
{
    json_t *rows = json_pack("[O]", what);

    print_table(rows, columns, count);
    json_decref(rows);
}

void ctl_show_endpoint(json_t *what)
{
    show_alone(what, endpoint_columns, sizeof endpoint_columns / sizeof *endpoint_columns);
}

void ctl_show_changed(json_t *what)
{
    char cell[CELL_SIZE];

    if (json_object_get(what, "change"))
        printf("scheduled as change %s\n", cell_text(json_object_get(what, "id"), cell));
    else if (json_object_get(what, "selector"))
        show_alone(what, timeline_columns, sizeof timeline_columns / sizeof *timeline_columns);
    else
        ctl_show_object(what);
}

static void print_names(const char *title, const json_t *names)
{
    const json_t *name;
    char cell[CELL_SIZE];
    size_t i;

    json_array_foreach (names, i, name) {
        printf("%-15s %s\n", title, cell_text(name, cell));
    }
}

void ctl_show_reload(json_t *what)
{
    const json_t *applied = json_object_get(what, "applied");
    const json_t *waiting = json_object_get(what, "needs_restart");

    if (json_array_size(applied) + json_array_size(waiting) == 0)
        printf("nothing has changed\n");
    print_names("in force", applied);
    print_names("needs a restart", waiting);
}

void ctl_show_status(json_t *what)
{
    static const struct column daemon[] = {{"version", "version"},
                                           {"pid", "pid"},
                                           {"uptime/s", "uptime_s"},
                                           {"demo programme", "programme.running"},
                                           {"page", "page.state"},
                                           {"page is", "page.owner.id"},
                                           {"page name", "page.owner.name"},
                                           {"page owned/s", "page.owner.owned_s"},
                                           {"page silent/s", "page.owner.silent_s"},
                                           {"wall clock", "wall_clock.url"},
                                           {"wall clock/ns", "wall_clock.now_ns"},
                                           {"precision/s", "wall_clock.precision_s"},
                                           {"max freq error/ppm", "wall_clock.max_freq_error_ppm"},
                                           {"receive buffer/B", "wall_clock.receive_buffer_bytes"},
                                           {"requests answered", "wall_clock.counters.answers"},
                                           {"refused", "limits.refused"},
                                           {"closed by limits", "limits.closed"},
                                           {"content", "content.contentId"},
                                           {"presentation", "content.presentationStatus"},
                                           {"media position/s", "media.position_s"},
                                           {"media speed", "media.speed"}};
    char cell[CELL_SIZE];

    for (size_t i = 0; i < sizeof daemon / sizeof *daemon; i++)
        printf("%-20s %s\n", daemon[i].title, cell_text(at_path(what, daemon[i].path), cell));
    printf("\n");
    ctl_show_endpoints(what);
    printf("\n");
    ctl_show_timelines(what);
}
