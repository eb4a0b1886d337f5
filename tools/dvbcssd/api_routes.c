/*
 * The table of routes: what docs/openapi/dvbcssd.json describes, and nothing else.
 */
#include "api_routes.h"

const struct api_route api_routes[] = {
    {"GET", "/healthz", api_get_health, 0},
    {"GET", "/metrics", api_get_metrics, 0},
    {"GET", "/api/v1/openapi.json", api_get_openapi, 0},
    {"GET", "/api/v1/status", api_get_status, 0},
    {"GET", "/api/v1/endpoints", api_list_endpoints, 0},
    {"GET", "/api/v1/endpoints/{name}", api_get_endpoint, 0},
    {"PATCH", "/api/v1/endpoints/{name}", api_change_endpoint, API_BODY},
    {"GET", "/api/v1/endpoints/{name}/connections", api_list_endpoint_connections, 0},
    {"GET", "/api/v1/connections", api_list_connections, 0},
    {"GET", "/api/v1/connections/{id}", api_get_connection, 0},
    {"POST", "/api/v1/connections/{id}/close", api_close_connection, API_BODY},
    {"GET", "/api/v1/content", api_get_content, 0},
    {"PATCH", "/api/v1/content", api_change_content, API_BODY | API_MEDIA},
    {"GET", "/api/v1/timelines", api_list_timelines, 0},
    {"POST", "/api/v1/timelines", api_add_timeline, API_BODY | API_MEDIA},
    {"GET", "/api/v1/timelines/{name}", api_get_timeline, 0},
    {"PATCH", "/api/v1/timelines/{name}", api_change_timeline, API_BODY | API_MEDIA},
    {"DELETE", "/api/v1/timelines/{name}", api_remove_timeline, API_MEDIA},
    {"GET", "/api/v1/media", api_get_media, 0},
    {"PATCH", "/api/v1/media", api_change_media, API_BODY | API_MEDIA},
    {"GET", "/api/v1/scheduled", api_list_scheduled, 0},
    {"DELETE", "/api/v1/scheduled/{id}", api_cancel_scheduled, API_MEDIA},
    {"GET", "/api/v1/adjustments", api_get_adjustments, 0},
    {"PATCH", "/api/v1/adjustments", api_change_adjustments, API_BODY},
    {"GET", "/api/v1/programme", api_get_programme, 0},
    {"PATCH", "/api/v1/programme", api_change_programme, API_BODY | API_PROGRAMME},
    {"POST", "/api/v1/reload", api_reload, 0},
};

const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
