// The metaschemas of the drafts, so that a schema may refer to them: what the specifications say a
// schema is, put together from the same parts where the drafts agree.
#include "grammar/schema_compiler.h"

#define DEFS                                                                                   \
    "\"count\":{\"type\":\"integer\",\"minimum\":0},\"names\":{\"type\":\"array\",\"items\":{" \
    "\"type\":\"string\"},"                                                                    \
    "\"uniqueItems\":true},\"kind\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\","    \
    "\"number\",\"object\",\"string\"]}"
#define KINDS(d)                                                          \
    "\"type\":{\"anyOf\":[{\"$ref\":\"#/" d                               \
    "/kind\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/" d "/kind\"}," \
    "\"minItems\":1,\"uniqueItems\":true}]}"
#define COUNTS(d)                                                                            \
    "\"maxLength\":{\"$ref\":\"#/" d "/count\"},\"minLength\":{\"$ref\":\"#/" d "/count\"}," \
    "\"maxItems\":{\"$ref\":\"#/" d "/count\"},\"minItems\":{\"$ref\":\"#/" d "/count\"},"   \
    "\"maxProperties\":{\"$ref\":\"#/" d "/count\"},\"minProperties\":{\"$ref\":\"#/" d      \
    "/count\"},\"pattern\":"                                                                 \
    "{\"type\":\"string\",\"format\":\"regex\"},\"uniqueItems\":{\"type\":\"boolean\"}"
#define NOTES                                                                               \
    "\"title\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"},\"default\":{}," \
    "\"format\":{\"type\":\"string\"}"
#define APPLY(self)                                                                                \
    "\"items\":{\"anyOf\":[" self ",{\"$ref\":\"#/definitions/list\"}]},\"additionalItems\":" self \
    ",\"additionalProperties\":" self                                                              \
    ",\"definitions\":{\"$ref\":\"#/definitions/map\"},\"properties\":"                            \
    "{\"$ref\":\"#/definitions/map\"},\"patternProperties\":{\"$ref\":\"#/definitions/"            \
    "map\"},\"dependencies\":"                                                                     \
    "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" self                              \
    ",{\"$ref\":\"#/definitions/names\"}]}},"                                                      \
    "\"allOf\":{\"$ref\":\"#/definitions/list\"},\"anyOf\":{\"$ref\":\"#/definitions/"             \
    "list\"},\"oneOf\":"                                                                           \
    "{\"$ref\":\"#/definitions/list\"},\"not\":" self
#define SELF "{\"$ref\":\"#\"}"
#define OLD_DEFS                                                                            \
    "\"definitions\":{" DEFS ",\"list\":{\"type\":\"array\",\"minItems\":1,\"items\":" SELF \
    "},\"map\":{\"type\":"                                                                  \
    "\"object\",\"additionalProperties\":" SELF "}}"
#define LATER                                                                                      \
    "\"$ref\":{\"type\":\"string\"},\"$comment\":{\"type\":\"string\"},\"examples\":{\"type\":"    \
    "\"array\"},\"const\":{},\"enum\":"                                                            \
    "{\"type\":\"array\"},\"contains\":" SELF ",\"propertyNames\":" SELF                           \
    ",\"multipleOf\":{\"type\":\"number\","                                                        \
    "\"exclusiveMinimum\":0},\"maximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"}," \
    "\"exclusiveMaximum\":"                                                                        \
    "{\"type\":\"number\"},\"exclusiveMinimum\":{\"type\":\"number\"},\"required\":{\"$ref\":\"#/" \
    "definitions/names\"},"                                                                        \
    "\"readOnly\":{\"type\":\"boolean\"},\"if\":" SELF ",\"then\":" SELF ",\"else\":" SELF

// The drafts since 2019-09 are one schema made of vocabularies that all share a dynamic anchor;
// this is their sum.

#define NEW_PROPERTIES(self)                                                                       \
    "\"$id\":{\"type\":\"string\",\"pattern\":\"^[^#]*#?$\"},\"$schema\":{\"type\":\"string\"},"   \
    "\"$ref\":{\"type\":\"string\"},"                                                              \
    "\"$anchor\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},\"$comment\":{"  \
    "\"type\":\"string\"},"                                                                        \
    "\"$defs\":{\"$ref\":\"#/$defs/map\"},\"definitions\":{\"$ref\":\"#/$defs/"                    \
    "map\"},\"$vocabulary\":{\"type\":\"object\","                                                 \
    "\"additionalProperties\":{\"type\":\"boolean\"}}," KINDS("$defs") "," COUNTS(                 \
        "$defs") "," NOTES ",\"additionalProperties\":" self                                       \
                 ",\"properties\":{\"$ref\":\"#/$defs/map\"},\"patternProperties\":{\"$ref\":"     \
                 "\"#/$defs/map\"},\"dependentSchemas\":{\"$ref\":\"#/$defs/"                      \
                 "map\"},\"dependentRequired\":{\"type\":\"object\","                              \
                 "\"additionalProperties\":{\"$ref\":\"#/$defs/names\"}},\"propertyNames\":" self  \
                 ",\"contains\":" self                                                             \
                 ",\"minContains\":{\"$ref\":\"#/$defs/count\"},\"maxContains\":{\"$ref\":\"#/"    \
                 "$defs/count\"},\"unevaluatedItems\":" self ",\"unevaluatedProperties\":" self    \
                 ",\"if\":" self ",\"then\":" self ",\"else\":" self ",\"not\":" self              \
                 ",\"allOf\":{\"$ref\":\"#/$defs/list\"},\"anyOf\":{\"$ref\":\"#/$defs/"           \
                 "list\"},\"oneOf\":{\"$ref\":\"#/$defs/list\"},"                                  \
                 "\"const\":{},\"enum\":{\"type\":\"array\"},\"multipleOf\":{\"type\":\"number\"," \
                 "\"exclusiveMinimum\":0},\"maximum\":"                                            \
                 "{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},\"exclusiveMaximum\":{"  \
                 "\"type\":\"number\"},"                                                           \
                 "\"exclusiveMinimum\":{\"type\":\"number\"},\"required\":{\"$ref\":\"#/$defs/"    \
                 "names\"},\"examples\":{\"type\":\"array\"}"
#define NEW_DEFS(self)                                                                \
    "\"$defs\":{" DEFS ",\"list\":{\"type\":\"array\",\"minItems\":1,\"items\":" self \
    "},\"map\":{\"type\":\"object\","                                                 \
    "\"additionalProperties\":" self "}}"
#define D2020 "{\"$dynamicRef\":\"#meta\"}"
#define D2019 "{\"$recursiveRef\":\"#\"}"

#define DOCUMENT(uri, text)        \
    {                              \
        uri, text, sizeof text - 1 \
    }

const qni_schema_document qni_metaschemas[] = {
    DOCUMENT(
        "http://json-schema.org/draft-04/schema",
        "{\"id\":\"http://json-schema.org/draft-04/schema#\",\"$schema\":\"http://json-schema.org/"
        "draft-04/schema#\","
        "\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"$schema\":{\"type\":"
        "\"string\"}," KINDS("definitions") "," COUNTS("definitions") "," NOTES "," APPLY(
            SELF) ",\"multipleOf\":{\"type\":\"number\",\"minimum\":0,\"exclusiveMinimum\":true},"
                  "\"maximum\":{\"type\":\"number\"},"
                  "\"minimum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"boolean\"},"
                  "\"exclusiveMinimum\":{\"type\":"
                  "\"boolean\"},\"required\":{\"allOf\":[{\"$ref\":\"#/definitions/"
                  "names\"},{\"minItems\":1}]},\"enum\":{\"type\":"
                  "\"array\",\"minItems\":1,\"uniqueItems\":true}}," OLD_DEFS "}"),
    DOCUMENT("http://json-schema.org/draft-06/schema",
             "{\"$id\":\"http://json-schema.org/draft-06/schema#\",\"$schema\":\"http://"
             "json-schema.org/draft-06/schema#\","
             "\"type\":[\"object\",\"boolean\"],\"properties\":{\"$id\":{\"type\":\"string\"},\"$"
             "schema\":{\"type\":\"string\"}," KINDS("definitions") "," COUNTS(
                 "definitions") "," NOTES "," APPLY(SELF) "," LATER "}," OLD_DEFS "}"),
    DOCUMENT("http://json-schema.org/draft-07/schema",
             "{\"$id\":\"http://json-schema.org/draft-07/schema#\",\"$schema\":\"http://"
             "json-schema.org/draft-07/schema#\","
             "\"type\":[\"object\",\"boolean\"],\"properties\":{\"$id\":{\"type\":\"string\"},\"$"
             "schema\":{\"type\":\"string\"}," KINDS("definitions") "," COUNTS(
                 "definitions") "," NOTES "," APPLY(SELF) "," LATER "}," OLD_DEFS "}"),
    DOCUMENT("https://json-schema.org/draft/2019-09/schema",
             "{\"$id\":\"https://json-schema.org/draft/2019-09/schema\",\"$schema\":"
             "\"https://json-schema.org/draft/2019-09/"
             "schema\",\"$recursiveAnchor\":true,\"type\":[\"object\",\"boolean\"],"
             "\"properties\":{\"$recursiveRef\":{\"type\":\"string\"},\"$recursiveAnchor\":{"
             "\"type\":\"boolean\"},\"items\":"
             "{\"anyOf\":[" D2019 ",{\"$ref\":\"#/$defs/list\"}]},\"additionalItems\":" D2019
             "," NEW_PROPERTIES(D2019) "}," NEW_DEFS(D2019) "}"),
    DOCUMENT("https://json-schema.org/draft/2020-12/schema",
             "{\"$id\":\"https://json-schema.org/draft/2020-12/schema\",\"$schema\":"
             "\"https://json-schema.org/draft/2020-12/"
             "schema\",\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],"
             "\"properties\":{\"$dynamicRef\":{\"type\":\"string\"},\"$dynamicAnchor\":{\"type\":"
             "\"string\",\"pattern\":"
             "\"^[A-Za-z_][-A-Za-z0-9._]*$\"},\"prefixItems\":{\"$ref\":\"#/$defs/"
             "list\"},\"items\":" D2020 "," NEW_PROPERTIES(D2020) "}," NEW_DEFS(D2020) "}"),
};

const size_t qni_n_metaschemas = sizeof qni_metaschemas / sizeof *qni_metaschemas;
