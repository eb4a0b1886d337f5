/**
 * @file
 * The UUID by which companions know a TV again.
 */
#ifndef DVBCSS_DISCOVERY_IDENTITY_H
#define DVBCSS_DISCOVERY_IDENTITY_H

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ssdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Finds the UUID of a device: the one in @p state_file if that exists; else one derived from this
 * machine's id and @p name (the machine's id itself does not leave it), or a random one on a
 * machine without an id, which is then written to @p state_file.
 *
 * @param state_file NULL for none: a machine without an id then has another UUID at each start
 * @param name       tells several devices on one machine apart
 * @param uuid       result
 * @return 0, DVBCSS_EVALUE (the file holds something else), DVBCSS_EIO (the file cannot be read or
 *         written, or the system has no random numbers)
 * @note Reads and writes files: before the loop runs, or where that may block.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_discovery_identity(const char *state_file, const char *name,
                                                          char uuid[DVBCSS_SSDP_UUID_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
