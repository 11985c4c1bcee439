/* SPDX-License-Identifier: Apache-2.0 */
/* All of frugal's public interface. */
#ifndef FRUGAL_FRUGAL_H
#define FRUGAL_FRUGAL_H

#include "frugal/adapt.h"
#include "frugal/advise.h"
#include "frugal/base.h"
#include "frugal/calibration.h"
#include "frugal/carbon.h"
#include "frugal/data.h"
#include "frugal/events.h"
#include "frugal/export.h"
#include "frugal/extend.h"
#include "frugal/footprint.h"
#include "frugal/int8.h"
#include "frugal/intensity.h"
#include "frugal/keypoints.h"
#include "frugal/meter.h"
#include "frugal/model.h"
#include "frugal/nn.h"
#include "frugal/picture.h"
#include "frugal/plan.h"
#include "frugal/power.h"
#include "frugal/processes.h"
#include "frugal/prune.h"
#include "frugal/quantize.h"
#include "frugal/recognize.h"
#include "frugal/region.h"
#include "frugal/report.h"
#include "frugal/scheme.h"
#include "frugal/store.h"
#include "frugal/stream.h"
#include "frugal/study.h"
#include "frugal/train.h"

#endif
