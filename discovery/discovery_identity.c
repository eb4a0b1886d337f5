#include "dvbcss/discovery_identity.h"

#include <errno.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"

/* Where a machine's id may stand, best first. */
static const char *const machine_id_files[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};

/* Reads the first line of a file; errno tells why not. An empty file has an empty line. */
static int read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    int result = -1;

    if (!file)
        return -1;
    line[0] = '\0';
    if (fgets(line, size, file) || !ferror(file)) {
        line[strcspn(line, "\r\n")] = '\0';
        result = 0;
    }
    fclose(file);
    return result;
}

/* RFC 4122: marks 16 bytes as a UUID of a version and writes them. */
static void write_uuid(uint8_t bytes[16], unsigned version, char uuid[DVBCSS_SSDP_UUID_SIZE])
{
    size_t at = 0;

    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            uuid[at++] = '-';
        snprintf(uuid + at, DVBCSS_SSDP_UUID_SIZE - at, "%02x", bytes[i]);
        at += 2;
    }
}

/* Keyed with the machine's id, so that nobody can tell the id from the result. */
static bool derive(const char *name, char uuid[DVBCSS_SSDP_UUID_SIZE])
{
    char machine_id[64];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    for (size_t i = 0; i < sizeof machine_id_files / sizeof machine_id_files[0]; i++) {
        if (read_line(machine_id_files[i], machine_id, sizeof machine_id) != 0 ||
            strlen(machine_id) != 32)
            continue;
        if (!HMAC(EVP_sha256(), machine_id, 32, (const unsigned char *)name, strlen(name), digest,
                  &length))
            return false;
        /* Version 8: derived in a way of one's own (RFC 9562). */
        write_uuid(digest, 8, uuid);
        return true;
    }
    return false;
}

static int make(const char *name, char uuid[DVBCSS_SSDP_UUID_SIZE])
{
    uint8_t bytes[16];

    if (derive(name, uuid))
        return 0;
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return DVBCSS_EIO;
    write_uuid(bytes, 4, uuid);
    return 0;
}

/* Beside the file and then in its place: a TV that loses its power never finds half of it. */
static int store(const char *path, const char *uuid)
{
    size_t size = strlen(path) + sizeof ".new";
    char *beside = dvbcss_malloc(size);
    FILE *file;
    bool written = false;

    if (!beside)
        return DVBCSS_ENOMEM;
    snprintf(beside, size, "%s.new", path);
    file = fopen(beside, "we");
    if (file) {
        written = fprintf(file, "%s\n", uuid) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
        written = fclose(file) == 0 && written && rename(beside, path) == 0;
        if (!written)
            unlink(beside);
    }
    dvbcss_free(beside);
    return written ? 0 : DVBCSS_EIO;
}

int dvbcss_discovery_identity(const char *state_file, const char *name,
                              char uuid[DVBCSS_SSDP_UUID_SIZE])
{
    char line[64];
    int error;

    if (state_file && read_line(state_file, line, sizeof line) == 0) {
        if (!dvbcss_ssdp_uuid_is_valid(line))
            return DVBCSS_EVALUE;
        memcpy(uuid, line, DVBCSS_SSDP_UUID_SIZE);
        return 0;
    }
    if (state_file && errno != ENOENT)
        return DVBCSS_EIO;
    error = make(name, uuid);
    return error || !state_file ? error : store(state_file, uuid);
}
