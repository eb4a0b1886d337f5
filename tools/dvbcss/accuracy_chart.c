#include "accuracy_chart.h"

#include <math.h>

enum { TEXT_SIZE = 32, TICKS_WANTED = 6, LEGEND_WIDTH = 150, MARK_SIZE = 10 };

const char accuracy_chart_style[] =
    "svg{--ink:#1c2733;--soft:#5b6b7b;--grid:#dfe5eb;--error:#1f6feb;--bound:#c2590c}\n"
    "@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#9aa7b4;--grid:#30363d;"
    "--error:#6cb0ff;--bound:#f0a35e}}\n"
    "svg text{font:12px system-ui,sans-serif;fill:var(--soft)}\n"
    "svg text.title{font-size:14px;font-weight:600;fill:var(--ink)}\n"
    ".grid{stroke:var(--grid);fill:none}\n"
    ".error{stroke:var(--error);fill:none;stroke-width:1.3}\n"
    ".bound{stroke:var(--bound);fill:none;stroke-width:1.3}\n"
    ".error-area{fill:var(--error);stroke:var(--error);stroke-width:.7;stroke-linejoin:round}\n"
    ".bound-area{fill:var(--bound)}\n";

/* ---- scales --------------------------------------------------------------------------------- */

static double share(double value, double low, double high)
{
    return fmin(1, fmax(0, (value - low) / (high - low)));
}

double accuracy_chart_x(const struct accuracy_chart *chart, double value)
{
    return chart->left + chart->width * share(value, chart->x_low, chart->x_high);
}

double accuracy_chart_y(const struct accuracy_chart *chart, double value)
{
    double at = chart->y_logarithmic ? share(log10(fmax(value, chart->y_low)), log10(chart->y_low),
                                             log10(chart->y_high))
                                     : share(value, chart->y_low, chart->y_high);

    return chart->top + chart->height * (1 - at);
}

/* A step of 1, 2 or 5 times a power of ten that gives about as many ticks as wanted. */
static double tick_step(double low, double high)
{
    double raw = (high - low) / TICKS_WANTED;
    double decade = pow(10, floor(log10(raw)));
    double factor = raw / decade;

    if (factor <= 1)
        return decade;
    return factor <= 2 ? 2 * decade : factor <= 5 ? 5 * decade : 10 * decade;
}

static const char *duration_text(double seconds, char *text)
{
    double size = fabs(seconds);

    if (size < 1e-12)
        snprintf(text, TEXT_SIZE, "0");
    else if (size < 0.9995e-3)
        snprintf(text, TEXT_SIZE, "%.4g us", seconds * 1e6);
    else if (size < 0.9995)
        snprintf(text, TEXT_SIZE, "%.4g ms", seconds * 1e3);
    else
        snprintf(text, TEXT_SIZE, "%.4g s", seconds);
    return text;
}

/* ---- the frame ------------------------------------------------------------------------------ */

static void draw_text(const struct accuracy_chart *chart, double x, double y, const char *anchor,
                      const char *text)
{
    fprintf(chart->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
            text);
}

static void draw_y_tick(const struct accuracy_chart *chart, double value)
{
    char text[TEXT_SIZE];
    double y = accuracy_chart_y(chart, value);

    if (chart->y_is_count)
        snprintf(text, sizeof text, "%.4g", value);
    else
        duration_text(value, text);
    fprintf(chart->out, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>\n", chart->left, y,
            chart->width);
    draw_text(chart, chart->left - 8, y + 4, "end", text);
}

static void draw_y_ticks(const struct accuracy_chart *chart)
{
    double step, first;

    if (chart->y_logarithmic) {
        int decade = (int)ceil(log10(chart->y_low) - 1e-9);
        int last = (int)floor(log10(chart->y_high) + 1e-9);

        for (; decade <= last; decade++)
            draw_y_tick(chart, pow(10, decade));
        return;
    }
    step = tick_step(chart->y_low, chart->y_high);
    first = ceil(chart->y_low / step - 1e-9);
    for (int i = 0; (first + i) * step <= chart->y_high + step * 1e-6; i++)
        draw_y_tick(chart, (first + i) * step);
}

static void draw_x_ticks(const struct accuracy_chart *chart)
{
    double step = tick_step(chart->x_low, chart->x_high);
    double first = ceil(chart->x_low / step - 1e-9);
    char text[TEXT_SIZE];

    for (int i = 0; (first + i) * step <= chart->x_high + step * 1e-6; i++) {
        double value = (first + i) * step;
        double x = accuracy_chart_x(chart, value);

        if (chart->x_is_time_of_clock)
            snprintf(text, sizeof text, "%.6g s", value);
        else
            duration_text(value, text);
        fprintf(chart->out, "<path class=\"grid\" d=\"M%.1f %.1fv%.1f\"/>\n", x, chart->top,
                chart->height);
        draw_text(chart, x, chart->top + chart->height + 16, "middle", text);
    }
}

void accuracy_chart_frame(const struct accuracy_chart *chart)
{
    fprintf(chart->out, "<text class=\"title\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", chart->left,
            chart->top - 12, chart->title);
    draw_y_ticks(chart);
    draw_x_ticks(chart);
    fprintf(chart->out,
            "<rect class=\"grid\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            chart->left, chart->top, chart->width, chart->height);
}

void accuracy_chart_legend(const struct accuracy_chart *chart, unsigned place, const char *role,
                           const char *text)
{
    double x = chart->left + chart->width - (double)LEGEND_WIDTH * (place + 1);
    double y = chart->top - 12;

    fprintf(chart->out,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"2\"/>\n",
            role, x, y - MARK_SIZE + 1, MARK_SIZE, MARK_SIZE);
    draw_text(chart, x + MARK_SIZE + 6, y, "start", text);
}

/* ---- data ----------------------------------------------------------------------------------- */

void accuracy_chart_line(const struct accuracy_chart *chart, const char *role, const double *x,
                         const double *y, size_t count)
{
    bool drawing = false;

    fprintf(chart->out, "<path class=\"%s\" d=\"M0 0", role);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(y[i]))
            fprintf(chart->out, "%c%.1f %.1f", drawing ? 'L' : 'M', accuracy_chart_x(chart, x[i]),
                    accuracy_chart_y(chart, y[i]));
        drawing = isfinite(y[i]);
    }
    fputs("\"/>\n", chart->out);
}

void accuracy_chart_band(const struct accuracy_chart *chart, const char *role, const double *x,
                         const double *low, const double *high, size_t count)
{
    size_t begin = 0;

    while (begin < count) {
        size_t end = begin;

        while (end < count && isfinite(low[end]))
            end++;
        if (end > begin)
            fprintf(chart->out, "<path class=\"%s\" d=\"", role);
        for (size_t i = begin; i < end; i++)
            fprintf(chart->out, "%c%.1f %.1f", i == begin ? 'M' : 'L',
                    accuracy_chart_x(chart, x[i]), accuracy_chart_y(chart, high[i]));
        for (size_t i = end; i-- > begin;)
            fprintf(chart->out, "L%.1f %.1f", accuracy_chart_x(chart, x[i]),
                    accuracy_chart_y(chart, low[i]));
        if (end > begin)
            fputs("Z\"/>\n", chart->out);
        begin = end + 1;
    }
}

void accuracy_chart_bar(const struct accuracy_chart *chart, const char *role, double from,
                        double to, double value)
{
    double x = accuracy_chart_x(chart, from), y = accuracy_chart_y(chart, value);
    char low[TEXT_SIZE], high[TEXT_SIZE];

    fprintf(chart->out,
            "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
            "<title>%.0f from %s to %s</title></rect>\n",
            role, x, y, accuracy_chart_x(chart, to) - x, chart->top + chart->height - y, value,
            duration_text(from, low), duration_text(to, high));
}
