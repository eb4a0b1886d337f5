/**
 * @file
 * Charts as SVG: a frame with scales, and lines, areas and bars in it. Colours come from a style
 * sheet that follows the reader's choice of light or dark.
 */
#ifndef DVBCSS_TOOL_ACCURACY_CHART_H
#define DVBCSS_TOOL_ACCURACY_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** A chart: where it is on the page, and what its edges stand for. */
struct accuracy_chart {
    FILE *out;
    double left;
    double top;
    double width;
    double height;
    double x_low;
    double x_high;
    double y_low;
    double y_high;
    /** The y axis is logarithmic; both ends above 0. */
    bool y_logarithmic;
    const char *title;
    /** What a tick of an axis means: a time in seconds, or a plain number. */
    bool x_is_time_of_clock;
    bool y_is_count;
};

/** Colours by their role. */
extern const char accuracy_chart_style[];

/** Where a value is, in the coordinates of the page; values beyond an edge are on it. */
double accuracy_chart_x(const struct accuracy_chart *chart, double value);
double accuracy_chart_y(const struct accuracy_chart *chart, double value);

/** Draws title, frame, grid and the numbers at the axes. */
void accuracy_chart_frame(const struct accuracy_chart *chart);

/** Draws a line through points; NAN interrupts it. @p role is a class of the style sheet. */
void accuracy_chart_line(const struct accuracy_chart *chart, const char *role, const double *x,
                         const double *y, size_t count);

/** Fills from one edge to the other, column by column; NAN leaves a gap. */
void accuracy_chart_band(const struct accuracy_chart *chart, const char *role, const double *x,
                         const double *low, const double *high, size_t count);

/** Draws a bar from the bottom. */
void accuracy_chart_bar(const struct accuracy_chart *chart, const char *role, double from,
                        double to, double value);

/** Names what a role's colour stands for, at the @p place-th place above the chart. */
void accuracy_chart_legend(const struct accuracy_chart *chart, unsigned place, const char *role,
                           const char *text);

#endif
