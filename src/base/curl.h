/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when something is first fetched: with it come some 35 other libraries,
 * which would make up more than half of the program's start.
 */
#ifndef FR_BASE_CURL_H
#define FR_BASE_CURL_H

#include <curl/curl.h>

#include "frugal/base.h"

/* libcurl's functions of the same names. */
typedef struct fr__curl {
  CURL *(*easy_init)(void);
  CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
  CURLcode (*easy_perform)(CURL *curl);
  CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
  const char *(*easy_strerror)(CURLcode code);
  void (*easy_cleanup)(CURL *curl);
  struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
  void (*slist_free_all)(struct curl_slist *list);
} fr__curl;

/* Once loaded it stays. FR_ERR_NOT_FOUND, with a sentence, where it is not installed. */
enum fr_status fr__curl_load(fr__curl *curl, fr_error *err);

/* What holds for every transfer: our name, certificates checked, the web alone (no file:,
 * no scheme that a redirection could turn to), no signals. */
CURLcode fr__curl_usual(const fr__curl *lib, CURL *curl, const char *url);

#endif
