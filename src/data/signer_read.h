/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_DATA_SIGNER_READ_H
#define FR_DATA_SIGNER_READ_H

#include "data/reader.h"

/* What synthetic:signs=K&... names, as key points of both hands at 30 Hz, raw or their
 * features: a record a trial of each person and sign, named sign1 to signK. */
enum fr_status fr__signers_read(const fr__spec *spec, const fr_data_options *options,
                                fr_dataset **out, fr_error *err);

#endif
