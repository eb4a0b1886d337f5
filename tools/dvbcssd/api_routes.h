/**
 * @file
 * The table of routes. Private to the API.
 */
#ifndef DVBCSSD_API_ROUTES_H
#define DVBCSSD_API_ROUTES_H

#include "api.h"

enum api_route_flag {
    /** Takes a JSON object. */
    API_BODY = 1,
    /** Refused while the demo programme decides what is presented. */
    API_MEDIA = 2,
    /** Refused, as those are, while a page decides what is presented. */
    API_PROGRAMME = 4,
};

struct api_route {
    const char *method;
    /** Segments; one in braces takes any text into struct api_call::parameter. */
    const char *pattern;
    void (*handle)(struct api_call *call);
    /** Mask of enum api_route_flag. */
    unsigned flags;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
