/**
 * @file
 * Puts what a page presents on the television.
 */
#ifndef DVBCSSD_PAGE_TV_H
#define DVBCSSD_PAGE_TV_H

#include "page_presentation.h"
#include "tv.h"

/**
 * Brings the television from one presentation of a page to the next, in one step for companions.
 *
 * @param before what is on it; NULL if that is not a page's: it is all taken away
 * @param now_ns time of the wall clock
 * @return 0 or a dvbcss_error, for want of memory only
 */
DVBCSS_NODISCARD int page_tv_present(struct tv *tv, const struct page_presentation *before,
                                     const struct page_presentation *after, int64_t now_ns);

#endif
