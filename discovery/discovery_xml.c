#include "dvbcss/discovery_xml.h"

#include <expat.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/dial.h"

enum {
    DEPTH_MAX = 32,
    /* Stands between namespace and name in what expat reports; no URI can hold it. */
    SEPARATOR = ' ',
};

/* ---- what is read --------------------------------------------------------------------------- */

/* An element whose text is wanted. */
struct field {
    const char *name;
    /* How deep it stands: 1 is the root. 0: anywhere. */
    unsigned depth;
    /* Its namespace; a field of HbbTV tells when it stands in another one. */
    bool of_hbbtv;
    /* A URL that was cut would be another URL. */
    bool must_fit;
    size_t offset;
    size_t size;
};

/* A kind of document. */
struct schema {
    const char *root;
    const struct field *fields;
    size_t field_count;
};

#define IN(type, name, depth, hbbtv, fit, member)                                                  \
    {                                                                                              \
        name, depth, hbbtv, fit, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
    }

static const struct field device_fields[] = {
    IN(dvbcss_discovery_device, "deviceType", 3, false, false, device_type),
    IN(dvbcss_discovery_device, "friendlyName", 3, false, false, friendly_name),
    IN(dvbcss_discovery_device, "manufacturer", 3, false, false, manufacturer),
    IN(dvbcss_discovery_device, "modelName", 3, false, false, model_name),
    IN(dvbcss_discovery_device, "UDN", 3, false, false, udn),
};

static const struct field application_fields[] = {
    IN(dvbcss_discovery_application, "name", 2, false, false, name),
    IN(dvbcss_discovery_application, "state", 2, false, false, state),
    IN(dvbcss_discovery_application, "X_HbbTV_App2AppURL", 0, true, true, app2app_url),
    IN(dvbcss_discovery_application, "X_HbbTV_InterDevSyncURL", 0, true, true, inter_dev_sync_url),
    IN(dvbcss_discovery_application, "X_HbbTV_UserAgent", 0, true, false, user_agent),
};

static const struct schema device_schema = {"root", device_fields,
                                            sizeof device_fields / sizeof device_fields[0]};
static const struct schema application_schema = {
    "service", application_fields, sizeof application_fields / sizeof application_fields[0]};

/* ---- reading -------------------------------------------------------------------------------- */

struct reading {
    XML_Parser parser;
    const struct schema *schema;
    void *result;
    unsigned depth;
    /* The field that text goes into now, and the depth of its element. */
    const struct field *field;
    unsigned field_depth;
    size_t field_length;
    bool wrong_namespace;
    char *version;
    size_t version_size;
    int error;
    const char *reason;
};

static void stop(struct reading *reading, int error, const char *reason)
{
    if (reading->error)
        return;
    reading->error = error;
    reading->reason = reason;
    XML_StopParser(reading->parser, XML_FALSE);
}

/* A name without its namespace, or without its prefix where namespaces are not looked at. */
static const char *local_name(const char *name)
{
    const char *separator = strrchr(name, SEPARATOR);

    if (!separator)
        separator = strrchr(name, ':');
    return separator ? separator + 1 : name;
}

static bool is_in_namespace(const char *name, const char *space)
{
    size_t length = strlen(space);

    return strncmp(name, space, length) == 0 && name[length] == SEPARATOR;
}

static char *text_of(const struct reading *reading)
{
    return (char *)reading->result + reading->field->offset;
}

static void enter_root(struct reading *reading, const char *name, const char **attributes)
{
    if (strcmp(local_name(name), reading->schema->root) != 0) {
        stop(reading, DVBCSS_EMESSAGETYPE, "another kind of document");
        return;
    }
    for (; reading->version && attributes[0]; attributes += 2) {
        if (strcmp(attributes[0], "dialVer") == 0)
            snprintf(reading->version, reading->version_size, "%s", attributes[1]);
    }
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reading *reading = user;
    const char *local = local_name(name);

    if (++reading->depth > DEPTH_MAX) {
        stop(reading, DVBCSS_EVALUE, "elements are nested too deeply");
        return;
    }
    if (reading->depth == 1)
        enter_root(reading, name, attributes);
    for (size_t i = 0; i < reading->schema->field_count && !reading->field; i++) {
        const struct field *field = &reading->schema->fields[i];

        if (strcmp(field->name, local) != 0 || (field->depth && field->depth != reading->depth))
            continue;
        reading->field = field;
        reading->field_depth = reading->depth;
        reading->field_length = 0;
        /* The first of its name counts. */
        if (text_of(reading)[0] != '\0')
            reading->field = NULL;
        else if (field->of_hbbtv && !is_in_namespace(name, DVBCSS_DIAL_NS_HBBTV))
            reading->wrong_namespace = true;
        return;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts text in a buffer that is full, not within a character. */
static size_t whole_characters(const char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
    struct reading *reading = user;
    const struct field *field = reading->field;
    size_t room, count = (size_t)length;

    if (!field || reading->depth != reading->field_depth)
        return;
    while (reading->field_length == 0 && count > 0 && is_space(*text)) {
        text++;
        count--;
    }
    room = field->size - 1 - reading->field_length;
    if (count > room) {
        if (field->must_fit) {
            stop(reading, DVBCSS_ELENGTH, "a URL is too long");
            return;
        }
        memcpy(text_of(reading) + reading->field_length, text, whole_characters(text, room));
        reading->field = NULL;
        return;
    }
    memcpy(text_of(reading) + reading->field_length, text, count);
    reading->field_length += count;
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reading *reading = user;

    (void)name;
    if (reading->field && reading->depth == reading->field_depth) {
        char *text = text_of(reading);

        while (reading->field_length > 0 && is_space(text[reading->field_length - 1]))
            reading->field_length--;
        text[reading->field_length] = '\0';
        reading->field = NULL;
    }
    reading->depth--;
}

/* Entities are declared there, and a few of them can be made to grow without bounds. */
static void XMLCALL on_doctype(void *user, const char *name, const char *system_id,
                               const char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(user, DVBCSS_EVALUE, "a DOCTYPE is not allowed");
}

static int refuse(const struct reading *reading, struct dvbcss_report *report)
{
    enum XML_Error code = XML_GetErrorCode(reading->parser);
    int error = reading->error;

    if (!error)
        error = code == XML_ERROR_NO_MEMORY ? DVBCSS_ENOMEM : DVBCSS_EVALUE;
    if (report) {
        XML_Index offset = XML_GetCurrentByteIndex(reading->parser);

        *report = (struct dvbcss_report)DVBCSS_REPORT_INIT;
        report->error = error;
        report->offset = offset > 0 ? (size_t)offset : 0;
        snprintf(report->reason, sizeof report->reason, "%s",
                 reading->reason ? reading->reason : XML_ErrorString(code));
    }
    return error;
}

/* One pass; @p unbound tells whether it failed only for a prefix that nobody declared. */
static int read_once(struct reading *reading, const void *xml, size_t length, bool namespaces,
                     bool *unbound, struct dvbcss_report *report)
{
    static const XML_Memory_Handling_Suite memory = {dvbcss_malloc, dvbcss_realloc, dvbcss_free};
    const XML_Char separator[2] = {SEPARATOR, '\0'};
    int error = 0;

    reading->parser = XML_ParserCreate_MM(NULL, &memory, namespaces ? separator : NULL);
    if (!reading->parser)
        return DVBCSS_ENOMEM;
    XML_SetUserData(reading->parser, reading);
    XML_SetElementHandler(reading->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype);
    if (XML_Parse(reading->parser, xml, (int)length, XML_TRUE) != XML_STATUS_OK)
        error = refuse(reading, report);
    *unbound = error && XML_GetErrorCode(reading->parser) == XML_ERROR_UNBOUND_PREFIX;
    XML_ParserFree(reading->parser);
    return error;
}

/* Reads into @p result, zeroed and of @p size bytes. Some TVs write the prefix of HbbTV and do not
 * declare it: those are read again without looking at namespaces. */
static int read_document(struct reading *reading, const void *xml, size_t length, size_t size,
                         struct dvbcss_report *report)
{
    const struct reading fresh = *reading;
    bool unbound = false;
    int error;

    if (length > INT32_MAX)
        return DVBCSS_ELENGTH;
    error = read_once(reading, xml, length, true, &unbound, report);
    if (unbound) {
        *reading = fresh;
        memset(reading->result, 0, size);
        error = read_once(reading, xml, length, false, &unbound, report);
    }
    return error;
}

int dvbcss_discovery_decode_device(const void *xml, size_t length,
                                   struct dvbcss_discovery_device *device,
                                   struct dvbcss_report *report)
{
    struct dvbcss_discovery_device read = {0};
    struct reading reading = {.schema = &device_schema, .result = &read};
    int error = read_document(&reading, xml, length, sizeof read, report);

    if (!error)
        *device = read;
    return error;
}

int dvbcss_discovery_decode_application(const void *xml, size_t length,
                                        struct dvbcss_discovery_application *application,
                                        struct dvbcss_report *report)
{
    struct dvbcss_discovery_application read = {0};
    struct reading reading = {.schema = &application_schema,
                              .result = &read,
                              .version = read.dial_version,
                              .version_size = sizeof read.dial_version};
    int error = read_document(&reading, xml, length, sizeof read, report);

    read.wrong_namespace = reading.wrong_namespace;
    if (!error)
        *application = read;
    return error;
}
