#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/ssdp.h"

static const char uuid[] = "123e4567-e89b-12d3-a456-426614174000";

static size_t read_file(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t length;

    cr_assert_not_null(file, "%s", path);
    length = fread(bytes, 1, size, file);
    fclose(file);
    return length;
}

/* Decodes every file of a folder and expects success or failure. */
static void decode_all(const char *pattern, bool valid)
{
    glob_t found;

    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct dvbcss_ssdp_message message = DVBCSS_SSDP_MESSAGE_INIT;
        const struct dvbcss_ssdp_message untouched = message;
        struct dvbcss_report report = DVBCSS_REPORT_INIT;
        char bytes[4096];
        size_t length = read_file(found.gl_pathv[i], bytes, sizeof bytes);
        int error = dvbcss_ssdp_decode(bytes, length, &message, &report);

        cr_expect_eq(error == 0, valid, "%s: %s", found.gl_pathv[i], report.reason);
        cr_expect_eq(report.error, error, "%s", found.gl_pathv[i]);
        if (!valid)
            cr_expect_eq(memcmp(&message, &untouched, sizeof message), 0, "%s", found.gl_pathv[i]);
    }
    globfree(&found);
}

Test(ssdp_message, what_companions_and_tvs_send_is_understood)
{
    decode_all(VECTORS_DIR "/discovery/valid/ssdp/*.txt", true);
}

Test(ssdp_message, what_is_no_message_is_refused_and_changes_nothing)
{
    decode_all(VECTORS_DIR "/discovery/invalid/ssdp/*.txt", false);
}

static struct dvbcss_ssdp_message decode(const char *text)
{
    struct dvbcss_ssdp_message message;

    cr_assert_eq(dvbcss_ssdp_decode(text, strlen(text), &message, NULL), 0, "%s", text);
    return message;
}

Test(ssdp_message, a_search_tells_its_target_and_patience)
{
    struct dvbcss_ssdp_message message =
        decode("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
               "MX:  3 \r\nST:\t" DVBCSS_SSDP_DIAL "\r\n\r\n");

    cr_expect_eq(message.kind, DVBCSS_SSDP_SEARCH);
    cr_expect_str_eq(message.host, "239.255.255.250:1900");
    cr_expect_str_eq(message.target, DVBCSS_SSDP_DIAL);
    cr_expect_eq(message.mx_s, 3);
    cr_expect_str_eq(message.usn, "");
}

Test(ssdp_message, a_response_tells_where_the_description_is)
{
    struct dvbcss_ssdp_message message = decode(
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: public, max-age = 60\r\nEXT:\r\n"
        "LOCATION: http://192.0.2.7/dd.xml\r\nSERVER: TV\r\nST: a\r\nUSN: uuid:x::a\r\n"
        "BOOTID.UPNP.ORG: 12345678901\r\nLOCATION: http://second/\r\n\r\nbody: is no header");

    cr_expect_eq(message.kind, DVBCSS_SSDP_RESPONSE);
    cr_expect_str_eq(message.location, "http://192.0.2.7/dd.xml");
    cr_expect_str_eq(message.server, "TV");
    cr_expect_str_eq(message.usn, "uuid:x::a");
    cr_expect_eq(message.max_age_s, 60);
    cr_expect_eq(message.boot_id, 12345678901);
}

Test(ssdp_message, a_number_that_cannot_be_is_none)
{
    struct dvbcss_ssdp_message message =
        decode("M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: a\r\nMX: many\r\n"
               "BOOTID.UPNP.ORG: 99999999999999999999999999\r\n\r\n");

    cr_expect_eq(message.mx_s, -1);
    cr_expect_eq(message.boot_id, -1);
    message =
        decode("M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: a\r\nMX: 9999999999\r\n\r\n");
    cr_expect_eq(message.mx_s, INT32_MAX);
}

Test(ssdp_message, a_long_server_is_cut_and_no_reason_to_refuse)
{
    char text[1024];
    struct dvbcss_ssdp_message message;

    snprintf(text, sizeof text,
             "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: a\r\nUSER-AGENT: %0300d\r\n\r\n",
             7);
    message = decode(text);
    cr_expect_eq(strlen(message.server), DVBCSS_SSDP_SERVER_SIZE - 1);
}

Test(ssdp_message, a_report_says_where_and_why)
{
    static const char text[] = "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:other\"\r\n\r\n";
    struct dvbcss_ssdp_message message;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_expect_eq(dvbcss_ssdp_decode(text, sizeof text - 1, &message, &report), DVBCSS_EVALUE);
    cr_expect_str_eq(report.path, "MAN");
    cr_expect_eq(report.offset, (size_t)(strstr(text, "\"ssdp") - text));
    cr_expect_str_not_empty(report.reason);
}

/* ---- what is sent --------------------------------------------------------------------------- */

static struct dvbcss_ssdp_message answer(enum dvbcss_ssdp_role role)
{
    struct dvbcss_ssdp_message message = DVBCSS_SSDP_MESSAGE_INIT;

    message.kind = DVBCSS_SSDP_RESPONSE;
    message.max_age_s = 1800;
    message.boot_id = 7;
    strcpy(message.location, "http://192.0.2.7:7681/dd.xml");
    strcpy(message.server, "Linux UPnP/1.1 dvbcssd/0.1.0");
    dvbcss_ssdp_name(&message, role, uuid);
    return message;
}

static char text[DVBCSS_SSDP_MESSAGE_MAX + 1];
static size_t length;

static void encode(const struct dvbcss_ssdp_message *message)
{
    cr_assert_eq(dvbcss_ssdp_encode(message, text, sizeof text, &length), 0);
    cr_assert_eq(strlen(text), length);
}

Test(ssdp_message, the_first_line_of_a_response_is_exactly_what_companions_compare)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);

    encode(&message);
    cr_expect_eq(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
}

Test(ssdp_message, companions_find_location_st_and_usn_in_upper_case)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);

    encode(&message);
    cr_expect_not_null(strstr(text, "\r\nLOCATION: http://192.0.2.7:7681/dd.xml\r\n"));
    cr_expect_not_null(strstr(text, "\r\nST: " DVBCSS_SSDP_DIAL "\r\n"));
    cr_expect_not_null(strstr(
        text, "\r\nUSN: uuid:123e4567-e89b-12d3-a456-426614174000::" DVBCSS_SSDP_DIAL "\r\n"));
    cr_expect_not_null(strstr(text, "\r\nCACHE-CONTROL: max-age=1800\r\n"));
    cr_expect_not_null(strstr(text, "\r\nEXT:\r\n"));
}

Test(ssdp_message, every_line_ends_in_crlf_and_an_empty_one_ends_the_message)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);

    encode(&message);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            cr_expect_eq(text[i - 1], '\r');
    }
    cr_expect_str_eq(text + length - 4, "\r\n\r\n");
}

Test(ssdp_message, no_message_is_longer_than_companions_read)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);
    char small[64];

    cr_expect_leq(DVBCSS_SSDP_MESSAGE_MAX, 1024);
    memset(message.location, 'a', sizeof message.location - 1);
    memset(message.usn, 'b', sizeof message.usn - 1);
    memset(message.server, 'c', sizeof message.server - 1);
    memset(message.target, 'd', sizeof message.target - 1);
    cr_expect_eq(dvbcss_ssdp_encode(&message, text, sizeof text, NULL), DVBCSS_ENOSPC);
    message = answer(DVBCSS_SSDP_AS_DIAL);
    cr_expect_eq(dvbcss_ssdp_encode(&message, small, sizeof small, NULL), DVBCSS_ENOSPC);
}

Test(ssdp_message, no_value_smuggles_a_header_in)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);

    strcpy(message.location, "http://x/\r\nST: y");
    cr_expect_eq(dvbcss_ssdp_encode(&message, text, sizeof text, NULL), DVBCSS_EVALUE);
}

Test(ssdp_message, all_kinds_are_read_back_as_they_were_written)
{
    static const enum dvbcss_ssdp_kind kinds[] = {DVBCSS_SSDP_SEARCH, DVBCSS_SSDP_RESPONSE,
                                                  DVBCSS_SSDP_ALIVE, DVBCSS_SSDP_UPDATE};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_ROOT_DEVICE);
        struct dvbcss_ssdp_message read;

        message.kind = kinds[i];
        if (kinds[i] != DVBCSS_SSDP_RESPONSE)
            strcpy(message.host, "[FF02::C]:1900");
        if (kinds[i] == DVBCSS_SSDP_SEARCH) {
            message.mx_s = 2;
            message.max_age_s = -1;
            message.boot_id = -1;
            message.usn[0] = '\0';
            message.location[0] = '\0';
        }
        encode(&message);
        read = decode(text);
        cr_expect_eq(read.kind, message.kind);
        cr_expect_str_eq(read.host, message.host);
        cr_expect_str_eq(read.target, message.target);
        cr_expect_str_eq(read.usn, message.usn);
        cr_expect_str_eq(read.location, message.location);
        cr_expect_str_eq(read.server, message.server);
        cr_expect_eq(read.mx_s, message.mx_s);
        cr_expect_eq(read.max_age_s, message.max_age_s);
        cr_expect_eq(read.boot_id, message.boot_id);
    }
}

Test(ssdp_message, a_byebye_names_the_place_that_companions_go_by)
{
    struct dvbcss_ssdp_message message = answer(DVBCSS_SSDP_AS_DIAL);

    message.kind = DVBCSS_SSDP_BYEBYE;
    encode(&message);
    cr_expect_not_null(strstr(text, "\r\nLOCATION: http://192.0.2.7:7681/dd.xml\r\n"));
    cr_expect_null(strstr(text, "CACHE-CONTROL"));
    cr_expect_not_null(strstr(text, "NTS: ssdp:byebye\r\n"));
    cr_expect_eq(decode(text).kind, DVBCSS_SSDP_BYEBYE);
}

/* ---- whom a search means -------------------------------------------------------------------- */

#define BIT(role) (1U << DVBCSS_SSDP_AS_##role)

Test(ssdp_message, a_device_answers_to_what_it_is_and_to_nothing_else)
{
    static const struct {
        const char *target;
        unsigned roles;
    } rows[] = {
        {DVBCSS_SSDP_DIAL, BIT(DIAL)},
        {"upnp:rootdevice", BIT(ROOT_DEVICE)},
        {"urn:schemas-upnp-org:device:tvdevice:1", BIT(DEVICE_TYPE)},
        {"uuid:123e4567-e89b-12d3-a456-426614174000", BIT(UUID)},
        {"uuid:123E4567-E89B-12D3-A456-426614174000", BIT(UUID)},
        {"ssdp:all", BIT(DIAL) | BIT(ROOT_DEVICE) | BIT(UUID) | BIT(DEVICE_TYPE)},
        {"urn:dial-multiscreen-org:service:dial:2", 0},
        {"urn:schemas-upnp-org:device:MediaServer:1", 0},
        {"uuid:00000000-0000-0000-0000-000000000000", 0},
        {"uuid:", 0},
        {"", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(dvbcss_ssdp_match(rows[i].target, uuid), rows[i].roles, "%s", rows[i].target);
}

Test(ssdp_message, the_target_of_an_answer_is_just_the_one_that_was_asked_for)
{
    static const char *const targets[] = {DVBCSS_SSDP_DIAL, "upnp:rootdevice",
                                          "uuid:123e4567-e89b-12d3-a456-426614174000",
                                          "urn:schemas-upnp-org:device:tvdevice:1"};

    for (int role = 0; role < DVBCSS_SSDP_ROLE_COUNT; role++) {
        struct dvbcss_ssdp_message message = answer((enum dvbcss_ssdp_role)role);

        cr_expect_str_eq(message.target, targets[role]);
        cr_expect_eq(strncmp(message.usn, "uuid:123e4567-e89b-12d3-a456-426614174000", 41), 0);
    }
}

Test(ssdp_message, a_uuid_has_its_shape)
{
    cr_expect(dvbcss_ssdp_uuid_is_valid(uuid));
    cr_expect(dvbcss_ssdp_uuid_is_valid("ABCDEF01-2345-6789-abcd-ef0123456789"));
    cr_expect_not(dvbcss_ssdp_uuid_is_valid(""));
    cr_expect_not(dvbcss_ssdp_uuid_is_valid("123e4567-e89b-12d3-a456-42661417400"));
    cr_expect_not(dvbcss_ssdp_uuid_is_valid("123e4567-e89b-12d3-a456-4266141740000"));
    cr_expect_not(dvbcss_ssdp_uuid_is_valid("123e4567ae89b-12d3-a456-426614174000"));
    cr_expect_not(dvbcss_ssdp_uuid_is_valid("123e4567-e89b-12d3-a456-42661417400g"));
}
