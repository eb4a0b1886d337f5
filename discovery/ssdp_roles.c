#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dvbcss/ssdp.h"

/* What stands behind "uuid:...::" of each role; "" for the one that is the UUID itself. */
static const char *const role_targets[DVBCSS_SSDP_ROLE_COUNT] = {
    [DVBCSS_SSDP_AS_DIAL] = DVBCSS_SSDP_DIAL,
    [DVBCSS_SSDP_AS_ROOT_DEVICE] = DVBCSS_SSDP_ROOT_DEVICE,
    [DVBCSS_SSDP_AS_UUID] = "",
    [DVBCSS_SSDP_AS_DEVICE_TYPE] = DVBCSS_SSDP_DEVICE_TYPE,
};

bool dvbcss_ssdp_uuid_is_valid(const char *text)
{
    static const char shape[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

    if (strlen(text) != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool fits =
            shape[i] == '-' ? text[i] == '-' : strchr("0123456789abcdefABCDEF", text[i]) != NULL;

        if (!fits)
            return false;
    }
    return true;
}

unsigned dvbcss_ssdp_match(const char *search_target, const char *uuid)
{
    static const char uuid_prefix[] = "uuid:";

    if (strcasecmp(search_target, DVBCSS_SSDP_ALL) == 0)
        return (1U << DVBCSS_SSDP_ROLE_COUNT) - 1;
    if (strncasecmp(search_target, uuid_prefix, sizeof uuid_prefix - 1) == 0)
        return strcasecmp(search_target + sizeof uuid_prefix - 1, uuid) == 0
                   ? 1U << DVBCSS_SSDP_AS_UUID
                   : 0;
    /* Exactly: companions compare the answer's ST with what they asked for. */
    for (unsigned role = 0; role < DVBCSS_SSDP_ROLE_COUNT; role++) {
        if (strcmp(search_target, role_targets[role]) == 0 && search_target[0] != '\0')
            return 1U << role;
    }
    return 0;
}

void dvbcss_ssdp_name(struct dvbcss_ssdp_message *message, enum dvbcss_ssdp_role role,
                      const char *uuid)
{
    const char *target = role_targets[role];

    if (target[0] == '\0') {
        snprintf(message->target, sizeof message->target, "uuid:%s", uuid);
        snprintf(message->usn, sizeof message->usn, "uuid:%s", uuid);
        return;
    }
    snprintf(message->target, sizeof message->target, "%s", target);
    snprintf(message->usn, sizeof message->usn, "uuid:%s::%s", uuid, target);
}
