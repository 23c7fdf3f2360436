// The numbers that files use for element types and model types.
#ifndef QNI_SPEC_CODES_H
#define QNI_SPEC_CODES_H

#include "base/dtype.h"

// QNI_NO_DTYPE when the code is unknown or not one that quince has.
qni_dtype qni_dtype_of_program(int32_t code); // MIL's DataType
qni_dtype qni_dtype_of_blob(uint32_t code);   // of a weight blob's descriptor
qni_dtype qni_dtype_of_array(int32_t code);   // ArrayFeatureType's data type

// The name of the model type behind a field number of the model message, such as "neuralNetwork";
// NULL when it is none.
const char *qni_model_type_name(uint32_t field);

// The opset number of a specialization's key such as "CoreML7"; 0 when unknown.
int32_t qni_opset_of_key(const char *key);

#endif
