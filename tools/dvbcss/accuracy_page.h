/**
 * @file
 * A measurement as pictures: error and bound over time, and how the error is spread.
 */
#ifndef DVBCSS_TOOL_ACCURACY_PAGE_H
#define DVBCSS_TOOL_ACCURACY_PAGE_H

#include <stdio.h>

#include "accuracy_report.h"

/** Writes the pictures as one SVG. */
void accuracy_page_svg(const struct accuracy_report *report, FILE *out);

/** Writes a page with the figures and the pictures, which needs nothing else. */
void accuracy_page_html(const struct accuracy_report *report, FILE *out);

#endif
