/**
 * @file
 * docs/openapi/dvbcssd.json, as the build puts it into the program.
 */
#ifndef DVBCSSD_OPENAPI_DOCUMENT_H
#define DVBCSSD_OPENAPI_DOCUMENT_H

#include <stddef.h>

extern const unsigned char openapi_document[];
extern const size_t openapi_document_length;

#endif
