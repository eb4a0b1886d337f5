/**
 * @file
 * Marks what belongs to the public interface. Everything else in the libraries is hidden.
 */
#ifndef DVBCSS_EXPORT_H
#define DVBCSS_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define DVBCSS_API __attribute__((visibility("default")))
#define DVBCSS_PRINTF(format_index, first_index)                                                   \
    __attribute__((format(printf, format_index, first_index)))
#define DVBCSS_NODISCARD __attribute__((warn_unused_result))
#else
#define DVBCSS_API
#define DVBCSS_PRINTF(format_index, first_index)
#define DVBCSS_NODISCARD
#endif

#endif
