#include "spec/codes.h"

#include <stdlib.h>
#include <string.h>

typedef struct code_row {
    qni_dtype dtype;
    int32_t program; // -1: the file has no code for it
    int32_t blob;
    int32_t array;
} code_row;

static const code_row codes[] = {
    {QNI_BOOL, 1, -1, -1},   {QNI_STRING, 2, -1, -1},  {QNI_F16, 10, 1, 65552},
    {QNI_F32, 11, 2, 65568}, {QNI_F64, 12, -1, 65600}, {QNI_BF16, 13, -1, -1},
    {QNI_I8, 21, 4, 131080}, {QNI_I16, 22, 6, -1},     {QNI_I32, 23, 14, 131104},
    {QNI_I64, 24, -1, -1},   {QNI_I4, 25, 8, -1},      {QNI_U8, 31, 3, -1},
    {QNI_U16, 32, 7, -1},    {QNI_U32, 33, 15, -1},    {QNI_U64, 34, -1, -1},
    {QNI_U4, 35, 11, -1},    {QNI_U2, 36, 10, -1},     {QNI_U1, 37, 9, -1},
    {QNI_U6, 38, 13, -1},    {QNI_U3, 39, 12, -1},
};

enum { N_CODES = sizeof codes / sizeof *codes };

qni_dtype qni_dtype_of_program(int32_t code)
{
    for (int i = 0; i < N_CODES; i++) {
        if (codes[i].program == code) {
            return codes[i].dtype;
        }
    }
    return QNI_NO_DTYPE;
}

qni_dtype qni_dtype_of_blob(uint32_t code)
{
    for (int i = 0; i < N_CODES; i++) {
        if (codes[i].blob >= 0 && (uint32_t)codes[i].blob == code) {
            return codes[i].dtype;
        }
    }
    return QNI_NO_DTYPE;
}

qni_dtype qni_dtype_of_array(int32_t code)
{
    for (int i = 0; i < N_CODES; i++) {
        if (codes[i].array >= 0 && codes[i].array == code) {
            return codes[i].dtype;
        }
    }
    return QNI_NO_DTYPE;
}

const char *qni_model_type_name(uint32_t field)
{
    static const struct {
        uint32_t field;
        const char *name;
    } types[] = {
        {200, "pipelineClassifier"},
        {201, "pipelineRegressor"},
        {202, "pipeline"},
        {300, "glmRegressor"},
        {301, "supportVectorRegressor"},
        {302, "treeEnsembleRegressor"},
        {303, "neuralNetworkRegressor"},
        {304, "bayesianProbitRegressor"},
        {400, "glmClassifier"},
        {401, "supportVectorClassifier"},
        {402, "treeEnsembleClassifier"},
        {403, "neuralNetworkClassifier"},
        {404, "kNearestNeighborsClassifier"},
        {500, "neuralNetwork"},
        {501, "itemSimilarityRecommender"},
        {502, "mlProgram"},
        {555, "customModel"},
        {556, "linkedModel"},
        {560, "classConfidenceThresholding"},
        {600, "oneHotEncoder"},
        {601, "imputer"},
        {602, "featureVectorizer"},
        {603, "dictVectorizer"},
        {604, "scaler"},
        {606, "categoricalMapping"},
        {607, "normalizer"},
        {609, "arrayFeatureExtractor"},
        {610, "nonMaximumSuppression"},
        {900, "identity"},
        {2000, "textClassifier"},
        {2001, "wordTagger"},
        {2002, "visionFeaturePrint"},
        {2003, "soundAnalysisPreprocessing"},
        {2004, "gazetteer"},
        {2005, "wordEmbedding"},
        {2006, "audioFeaturePrint"},
        {3000, "serializedModel"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].field == field) {
            return types[i].name;
        }
    }
    return NULL;
}

int32_t qni_opset_of_key(const char *key)
{
    static const char prefix[] = "CoreML";
    if (strncmp(key, prefix, sizeof prefix - 1) != 0 || key[sizeof prefix - 1] == '\0' ||
        key[sizeof prefix] != '\0') {
        return 0;
    }
    int32_t opset = key[sizeof prefix - 1] - '0';
    return opset >= 5 && opset <= 9 ? opset : 0;
}
