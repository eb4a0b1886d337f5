#include <string.h>
#include <strings.h>

#include "doctor.h"
#include "find_tv.h"

/* Fields between the brackets of a user agent of HbbTV that companions want to see. */
enum { USER_AGENT_FIELDS = 6 };

static void check_description(struct doctor *doctor, const struct dvbcss_discovered *tv)
{
    const struct {
        const char *name;
        const char *text;
    } names[] = {
        {"friendlyName", tv->device.friendly_name},
        {"manufacturer", tv->device.manufacturer},
        {"modelName", tv->device.model_name},
        {"UDN", tv->device.udn},
    };

    if (strncasecmp(tv->content_type, "text/xml", strlen("text/xml")) != 0)
        doctor_find(doctor, FINDING_CONTENT_TYPE, "the device description is served as \"%s\"",
                    tv->content_type);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!*names[i].text)
            doctor_find(doctor, FINDING_NAME_MISSING, "the device description has no %s",
                        names[i].name);
    }
}

static void check_user_agent(struct doctor *doctor, const char *user_agent)
{
    unsigned separators = 0;

    for (const char *c = strchr(user_agent, '('); c && *c; c++)
        separators += *c == ';';
    if (strncmp(user_agent, "HbbTV/", strlen("HbbTV/")) != 0 || separators + 1 < USER_AGENT_FIELDS)
        doctor_find(doctor, FINDING_USER_AGENT,
                    "X_HbbTV_UserAgent has less than %d fields separated by \";\": %s",
                    USER_AGENT_FIELDS, user_agent);
}

static void check_application(struct doctor *doctor, const struct dvbcss_discovered *tv)
{
    const struct dvbcss_discovery_application *application = &tv->application;

    if (!*application->name)
        doctor_find(doctor, FINDING_NAME_MISSING, "the application resource has no name");
    if (application->wrong_namespace)
        doctor_find(doctor, FINDING_NAMESPACE, "the X_HbbTV elements are not in their namespace");
    if (*application->app2app_url)
        doctor_check_url(doctor, DOCTOR_URL_APP2APP, "X_HbbTV_App2AppURL",
                         application->app2app_url);
    else
        doctor_find(doctor, FINDING_URL_MISSING, "there is no X_HbbTV_App2AppURL");
    if (*application->inter_dev_sync_url)
        doctor_check_url(doctor, DOCTOR_URL_WEBSOCKET, "X_HbbTV_InterDevSyncURL",
                         application->inter_dev_sync_url);
    else
        doctor_find(doctor, FINDING_URL_MISSING, "there is no X_HbbTV_InterDevSyncURL");
    if (*application->user_agent)
        check_user_agent(doctor, application->user_agent);
    else
        doctor_find(doctor, FINDING_URL_MISSING, "there is no X_HbbTV_UserAgent");
}

/* Tells where on its way the search ended. */
static void check_failure(struct doctor *doctor, const struct dvbcss_discovered *tv)
{
    if (!*tv->text)
        doctor_find(doctor, FINDING_NOT_FOUND, "no TV was found");
    else if (tv->stage == DVBCSS_DISCOVERY_APPLICATION)
        doctor_find(doctor, FINDING_APPLICATION, "%s/HbbTV: %s", tv->application_url, tv->text);
    else if (tv->error == DVBCSS_EMISSING)
        doctor_find(doctor, FINDING_APPLICATION_URL, "%s: %s", tv->location, tv->text);
    else
        doctor_find(doctor, FINDING_DESCRIPTION, "%s: %s", tv->location, tv->text);
}

void doctor_discovery(struct doctor *doctor, const char *argument)
{
    struct dvbcss_discovered tv;
    int exit_code;

    doctor_step(doctor, "discovery");
    if (argument && find_tv_is_cii_url(argument)) {
        doctor_find(doctor, FINDING_SKIPPED, "the URL of CII was given");
        snprintf(doctor->cii_url, sizeof doctor->cii_url, "%s", argument);
        return;
    }
    exit_code = find_tv(doctor->command, argument, &tv);
    if (exit_code != EXIT_DONE) {
        check_failure(doctor, &tv);
        return;
    }
    snprintf(doctor->peer, sizeof doctor->peer, "%s", tv.address);
    doctor_find(doctor, FINDING_FOUND, "%s at %s", tv.device.friendly_name, tv.location);
    check_description(doctor, &tv);
    check_application(doctor, &tv);
    snprintf(doctor->cii_url, sizeof doctor->cii_url, "%s", tv.inter_dev_sync_url);
}
