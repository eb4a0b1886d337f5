#include "accuracy_page.h"

#include <math.h>
#include <string.h>

#include "accuracy_chart.h"

enum {
    COLUMNS = 800,
    BINS = 60,
    PAGE_WIDTH = 960,
    PAGE_HEIGHT = 900,
    LEFT = 80,
    WIDTH = PAGE_WIDTH - LEFT - 20,
    TIME_SIZE = 32,
};

/* The smallest error that the logarithmic scale shows. */
static const double scale_floor_s = 1e-7;

/* The samples of a measurement, gathered in columns as wide as what can be seen. NAN where there
 * are none. */
struct columns {
    size_t count;
    double time_s[COLUMNS];
    /* Of the samples that count. */
    double low_s[COLUMNS];
    double high_s[COLUMNS];
    /* Of all. */
    double largest_s[COLUMNS];
    double bound_s[COLUMNS];
};

static void widen(double *low, double *high, double value)
{
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

static void gather(struct columns *columns, const struct accuracy_report *report)
{
    const struct accuracy_samples *samples = report->samples;

    /* Few samples get wide columns: an empty one is a gap in the measurement. */
    columns->count = samples->count < 2 * COLUMNS ? samples->count / 2 + 1 : COLUMNS;
    for (size_t i = 0; i < columns->count; i++) {
        columns->time_s[i] = ((double)i + 0.5) * report->duration_s / (double)columns->count;
        columns->low_s[i] = columns->high_s[i] = NAN;
        columns->largest_s[i] = columns->bound_s[i] = NAN;
    }
    for (size_t i = 0; i < samples->count; i++) {
        const struct accuracy_sample *sample = &samples->list[i];
        double at = sample->time_s / report->duration_s * (double)columns->count;
        size_t column = (size_t)fmin((double)columns->count - 1, fmax(0, at));

        /* fmin and fmax take the number if the other one is NAN. */
        if (accuracy_sample_counts(report->rules, sample))
            widen(&columns->low_s[column], &columns->high_s[column], sample->error_s);
        columns->largest_s[column] = fmax(columns->largest_s[column], fabs(sample->error_s));
        columns->bound_s[column] = fmax(columns->bound_s[column], sample->bound_s);
    }
}

/* ---- the pictures --------------------------------------------------------------------------- */

static void draw_sizes(const struct accuracy_report *report, const struct columns *columns,
                       FILE *out)
{
    struct accuracy_chart chart = {.out = out,
                                   .left = LEFT,
                                   .top = 40,
                                   .width = WIDTH,
                                   .height = 260,
                                   .x_high = report->duration_s,
                                   .y_logarithmic = true,
                                   .title = "Size of the error, and claimed bound",
                                   .x_is_time_of_clock = true};
    double low = INFINITY, high = 0;

    for (size_t i = 0; i < columns->count; i++) {
        low = fmin(low, columns->largest_s[i]);
        high = fmax(high, fmax(columns->largest_s[i], columns->bound_s[i]));
    }
    chart.y_low = pow(10, floor(log10(fmax(fmin(low, 1), scale_floor_s))));
    chart.y_high = pow(10, ceil(log10(fmax(high, 10 * chart.y_low))));
    accuracy_chart_frame(&chart);
    accuracy_chart_legend(&chart, 1, "bound-area", "claimed bound");
    accuracy_chart_legend(&chart, 0, "error-area", "error");
    accuracy_chart_line(&chart, "error", columns->time_s, columns->largest_s, columns->count);
    accuracy_chart_line(&chart, "bound", columns->time_s, columns->bound_s, columns->count);
}

/* The range of the errors that count, and a little more. */
static void error_range(const struct accuracy_report *report, double *low, double *high)
{
    double margin;

    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < report->samples->count; i++) {
        if (accuracy_sample_counts(report->rules, &report->samples->list[i]))
            widen(low, high, report->samples->list[i].error_s);
    }
    if (*low > *high)
        *low = *high = 0;
    margin = fmax((*high - *low) * 0.05, scale_floor_s);
    *low -= margin;
    *high += margin;
}

static void draw_errors(const struct accuracy_report *report, const struct columns *columns,
                        FILE *out)
{
    struct accuracy_chart chart = {
        .out = out,
        .left = LEFT,
        .top = 370,
        .width = WIDTH,
        .height = 200,
        .x_high = report->duration_s,
        .title = "Error of the samples that count: the client's clock less the server's",
        .x_is_time_of_clock = true};

    error_range(report, &chart.y_low, &chart.y_high);
    accuracy_chart_frame(&chart);
    accuracy_chart_band(&chart, "error-area", columns->time_s, columns->low_s, columns->high_s,
                        columns->count);
}

static void draw_histogram(const struct accuracy_report *report, FILE *out)
{
    struct accuracy_chart chart = {.out = out,
                                   .left = LEFT,
                                   .top = 650,
                                   .width = WIDTH,
                                   .height = 200,
                                   .title = "How the error is spread (samples)",
                                   .y_is_count = true};
    unsigned bins[BINS] = {0}, largest = 1;
    double bin_width;

    error_range(report, &chart.x_low, &chart.x_high);
    bin_width = (chart.x_high - chart.x_low) / BINS;
    for (size_t i = 0; i < report->samples->count; i++) {
        const struct accuracy_sample *sample = &report->samples->list[i];
        double at = (sample->error_s - chart.x_low) / bin_width;

        if (!accuracy_sample_counts(report->rules, sample))
            continue;
        at = fmin(BINS - 1, fmax(0, at));
        if (++bins[(size_t)at] > largest)
            largest = bins[(size_t)at];
    }
    chart.y_high = largest;
    accuracy_chart_frame(&chart);
    for (int i = 0; i < BINS; i++) {
        if (bins[i] > 0)
            accuracy_chart_bar(&chart, "error-area", chart.x_low + i * bin_width,
                               chart.x_low + (i + 1) * bin_width, bins[i]);
    }
}

void accuracy_page_svg(const struct accuracy_report *report, FILE *out)
{
    struct columns columns;

    gather(&columns, report);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-labelledby=\"title\">\n<title id=\"title\">Wall-clock error, network "
            "%s</title>\n<style>\n%s</style>\n",
            PAGE_WIDTH, PAGE_HEIGHT, report->model, accuracy_chart_style);
    draw_sizes(report, &columns, out);
    draw_errors(report, &columns, out);
    draw_histogram(report, out);
    fputs("</svg>\n", out);
}

/* ---- the page ------------------------------------------------------------------------------- */

static void write_text(FILE *out, const char *text)
{
    static const char special[] = "&<>\"";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;"};

    for (; *text; text++) {
        const char *found = strchr(special, *text);

        if (found)
            fputs(entities[found - special], out);
        else
            fputc(*text, out);
    }
}

static void write_percentiles(FILE *out, const char *title,
                              const struct accuracy_percentiles *values)
{
    const double list[] = {values->p50, values->p95, values->p99, values->max};
    char text[TIME_SIZE];

    fprintf(out, "<tr><th scope=\"row\">%s</th>", title);
    for (unsigned i = 0; i < sizeof list / sizeof *list; i++)
        fprintf(out, "<td>%s</td>", accuracy_report_time(list[i], text));
    fputs("</tr>\n", out);
}

static void write_figures(const struct accuracy_report *report, FILE *out)
{
    const struct accuracy_result *result = report->result;
    char lock[TIME_SIZE], ten[TIME_SIZE], five[TIME_SIZE], one[TIME_SIZE];

    fputs("<table><thead><tr><th></th><th scope=\"col\">p50</th><th scope=\"col\">p95</th>"
          "<th scope=\"col\">p99</th><th scope=\"col\">max</th></tr></thead><tbody>\n",
          out);
    write_percentiles(out, "Error", &result->error);
    write_percentiles(out, "Claimed bound", &result->bound);
    write_percentiles(out, "Round trip", &report->rtt);
    fputs("</tbody></table>\n<ul>\n", out);
    fprintf(out, "<li>Covered by the bound: %.3f&nbsp;%% of %zu samples.</li>\n",
            result->judged > 0 ? result->coverage * 100 : 0, result->judged);
    fprintf(out, "<li>Locked after %s; to 10&nbsp;ms %s, to 5&nbsp;ms %s, to 1&nbsp;ms %s.</li>\n",
            accuracy_report_time(result->lock_s, lock),
            accuracy_report_time(result->reached_s[0], ten),
            accuracy_report_time(result->reached_s[1], five),
            accuracy_report_time(result->reached_s[2], one));
    fprintf(out, "<li>%llu requests, %.2f per second.</li>\n</ul>\n",
            (unsigned long long)accuracy_report_requests(report),
            accuracy_report_requests_hz(report));
}

void accuracy_page_html(const struct accuracy_report *report, FILE *out)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<title>Wall-clock error, network %s</title>\n<style>\n"
            "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
            "padding:0 1rem}\n"
            "table{border-collapse:collapse}th,td{padding:.2rem .8rem;text-align:right}"
            "th:first-child{text-align:left}\nsvg{width:100%%;height:auto}\n"
            "</style>\n</head>\n<body>\n<h1>Wall-clock error, network %s</h1>\n"
            "<p>%g&nbsp;s, the first %g&nbsp;s not counted; server ",
            report->model, report->model, report->duration_s, report->rules->settle_s);
    write_text(out, report->server);
    if (isfinite(report->skew_ppm))
        fprintf(out, " (%g&nbsp;ppm fast)", report->skew_ppm);
    fputs(", client ", out);
    write_text(out, report->estimator ? report->estimator : report->client);
    fputs(".</p>\n", out);
    write_figures(report, out);
    accuracy_page_svg(report, out);
    fputs("</body>\n</html>\n", out);
}
