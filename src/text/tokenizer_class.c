#include "text/tokenizer_class.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "text/json_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// ---- The classes

// Templates are JSON with ` for quotes and $name for a setting's value.
typedef struct class_row {
    const char *names;    // of classes
    const char *types;    // of models that have it when nothing names a class
    const char *model;    // that tokenizer.json has to have
    const char *settings; // with what they are where tokenizer_config.json does not say
    const char *flags;    // of the model
    const char *normalizer, *pre_tokenizer, *decoder;
    const char *processor; // NULL: that of tokenizer.json stays
    bool plain_specials;   // special tokens lose their flags
} class_row;

#define BYTE_MODEL                                                                    \
    "{`unk_token`:null,`fuse_unk`:false,`byte_fallback`:false,`ignore_merges`:false," \
    "`continuing_subword_prefix`:``,`end_of_word_suffix`:``}"
#define BYTE_STEP(regex)                                                                        \
    "{`type`:`ByteLevel`,`add_prefix_space`:$add_prefix_space,`trim_offsets`:true,`use_regex`:" \
    "" regex "}"
#define BYTE_DECODER \
    "{`type`:`ByteLevel`,`add_prefix_space`:true,`trim_offsets`:true,`use_regex`:true}"
#define SEQUENCE(name, items) "{`type`:`Sequence`,`" name "`:[" items "]}"
#define SPLIT(regex) \
    "{`type`:`Split`,`pattern`:{`Regex`:`" regex "`},`behavior`:`Isolated`,`invert`:false}"
#define REPLACE(what, by) "{`type`:`Replace`,`pattern`:{`String`:`" what "`},`content`:`" by "`}"
#define MARK              "\xE2\x96\x81"
#define METASPACE(scheme, split) \
    "{`type`:`Metaspace`,`replacement`:`" MARK "`,`prepend_scheme`:" scheme ",`split`:" split "}"
#define MARKED_WORDS \
    SEQUENCE("pretokenizers", "{`type`:`WhitespaceSplit`}," METASPACE("$scheme", "true"))
#define NFC               "{`type`:`NFC`}"
#define TOKEN(name, type) "{`SpecialToken`:{`id`:$" name "_token,`type_id`:" type "}}"
#define TEXT(name, type)  "{`Sequence`:{`id`:`" name "`,`type_id`:" type "}}"
#define NUMBER(name) \
    "$" name "_token:{`id`:$" name "_token,`ids`:[$" name "_id],`tokens`:[$" name "_token]}"
#define AROUND(one, two, tokens)                                           \
    "{`type`:`TemplateProcessing`,`single`:[" one "],`pair`:[" one "," two \
    "],`special_tokens`:{" tokens "}}"
#define ENDS "`unk_token`:`<|endoftext|>`,`eos_token`:`<|endoftext|>`"

// `letter` is what words are made of, `inside` the same inside of brackets.
#define QWEN(letter, inside)                                                                       \
    .model = "BPE", .settings = "{`add_prefix_space`:false," ENDS ",`pad_token`:`<|endoftext|>`}", \
    .flags = BYTE_MODEL, .normalizer = NFC, .decoder = BYTE_DECODER,                               \
    .pre_tokenizer = SEQUENCE(                                                                     \
        "pretokenizers",                                                                           \
        SPLIT("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?" letter                 \
              "+|\\\\p{N}| ?[^\\\\s" inside "\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|"         \
              "\\\\s+(?!\\\\S)|\\\\s+") "," BYTE_STEP("false"))

static const class_row rows[] = {
    {.names = "LlamaTokenizer",
     .types = "idefics idefics2",
     .model = "BPE",
     .settings = "{`add_prefix_space`:true,`legacy`:false,`bos_token`:`<s>`,`eos_token`:`</s>`,"
                 "`unk_token`:`<unk>`}",
     .flags = "{`unk_token`:null,`fuse_unk`:true,`byte_fallback`:true,`ignore_merges`:false,"
              "`continuing_subword_prefix`:null,`end_of_word_suffix`:null}",
     .normalizer = "null",
     .pre_tokenizer = METASPACE("$scheme", "false"),
     .decoder = SEQUENCE("decoders", REPLACE(MARK, " ") ",{`type`:`ByteFallback`},{`type`:`Fuse`},"
                                                        "{`type`:`Strip`,`content`:` `,"
                                                        "`start`:$strip,`stop`:0}")},
    {.names = "GemmaTokenizer",
     .types = "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text "
              "recurrent_gemma shieldgemma2 t5gemma zaya",
     .model = "BPE",
     .settings = "{`bos_token`:`<bos>`,`eos_token`:`<eos>`,`unk_token`:`<unk>`,`pad_token`:"
                 "`<pad>`,`mask_token`:`<mask>`}",
     .flags = "{`unk_token`:$unk_token,`fuse_unk`:true,`byte_fallback`:true,`ignore_merges`:false,"
              "`continuing_subword_prefix`:null,`end_of_word_suffix`:null}",
     .normalizer = REPLACE(" ", MARK),
     .pre_tokenizer = "{`type`:`Split`,`pattern`:{`String`:` `},`behavior`:`MergedWithPrevious`,"
                      "`invert`:false}",
     .decoder = SEQUENCE("decoders",
                         REPLACE(MARK, " ") ",{`type`:`ByteFallback`},{`type`:`Fuse`}")},
    {.names = "GPT2Tokenizer CodeGenTokenizer",
     .types = "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip "
              "instructblipvideo jais2 opt phi starcoder2",
     .model = "BPE",
     .settings = "{`add_prefix_space`:false," ENDS ",`bos_token`:`<|endoftext|>`}",
     .flags = BYTE_MODEL,
     .normalizer = "null",
     .pre_tokenizer = BYTE_STEP("true"),
     .decoder = BYTE_DECODER},
    {.names = "GPTNeoXTokenizer",
     .types = "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
     .model = "BPE",
     .settings = "{`add_prefix_space`:false," ENDS ",`bos_token`:`<|endoftext|>`,`pad_token`:"
                 "`<|padding|>`}",
     .flags = BYTE_MODEL,
     .normalizer = NFC,
     .pre_tokenizer = BYTE_STEP("true"),
     .decoder = BYTE_DECODER,
     .processor = "null"},
    {.names = "Qwen2Tokenizer",
     .plain_specials = true,
     .types = "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl "
              "lighton_ocr moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl "
              "qwen2_audio qwen2_moe qwen2_vl qwen3 qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe "
              "qwen3_vl qwen3_vl_moe vibevoice",
     QWEN("\\\\p{L}", "\\\\p{L}")},
    {.names = "Qwen3_5Tokenizer",
     .types = "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp",
     QWEN("[\\\\p{L}\\\\p{M}]", "\\\\p{L}\\\\p{M}")},
    {.names = "CohereTokenizer",
     .types = "aya_vision cohere cohere2",
     .model = "BPE",
     .settings = "{`add_prefix_space`:false,`bos_token`:`<BOS_TOKEN>`,`eos_token`:"
                 "`<|END_OF_TURN_TOKEN|>`,`unk_token`:`<UNK>`,`sep_token`:`<SEP>`,`pad_token`:"
                 "`<PAD>`,`cls_token`:`<CLS>`,`mask_token`:`<MASK_TOKEN>`}",
     .flags = BYTE_MODEL,
     .normalizer = NFC,
     .pre_tokenizer = SEQUENCE("pretokenizers", "{`type`:`Digits`,`individual_digits`:true}," //
                               BYTE_STEP("true")),
     .decoder = BYTE_DECODER},
    {.names = "RobertaTokenizer BartTokenizer LongformerTokenizer LEDTokenizer",
     .types = "bart bridgetower clap data2vec-text ibert lilt longformer mega mra roberta "
              "roberta-prelayernorm",
     .model = "BPE",
     .settings = "{`add_prefix_space`:false,`trim_offsets`:true,`bos_token`:`<s>`,`eos_token`:`</"
                 "s>`,`unk_token`:"
                 "`<unk>`,`sep_token`:`</s>`,`pad_token`:`<pad>`,`cls_token`:`<s>`,`mask_token`:"
                 "`<mask>`}",
     .flags = BYTE_MODEL,
     .normalizer = "null",
     .pre_tokenizer = BYTE_STEP("true"),
     .decoder = BYTE_DECODER,
     .processor =
         "{`type`:`RobertaProcessing`,`sep`:[$sep_token,$sep_id],`cls`:[$cls_token,$cls_id],"
         "`trim_offsets`:$trim_offsets,`add_prefix_space`:$add_prefix_space}"},
    {.names = "BertTokenizer ConvBertTokenizer DistilBertTokenizer ElectraTokenizer "
              "LayoutLMTokenizer LxmertTokenizer MobileBertTokenizer SqueezeBertTokenizer",
     .types = "align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git "
              "grounding-dino layoutlm megatron-bert mm-grounding-dino nezha nomic_bert qdqbert "
              "realm retribert squeezebert tvp vilt visual_bert",
     .model = "WordPiece",
     .settings = "{`do_lower_case`:true,`tokenize_chinese_chars`:true,`strip_accents`:null,"
                 "`unk_token`:`[UNK]`,`sep_token`:`[SEP]`,`pad_token`:`[PAD]`,`cls_token`:`[CLS]`,"
                 "`mask_token`:`[MASK]`}",
     .flags = "{`unk_token`:$unk_token,`continuing_subword_prefix`:`##`,"
              "`max_input_chars_per_word`:100}",
     .normalizer = "{`type`:`BertNormalizer`,`clean_text`:true,`handle_chinese_chars`:"
                   "$tokenize_chinese_chars,`strip_accents`:$strip_accents,`lowercase`:"
                   "$do_lower_case}",
     .pre_tokenizer = "{`type`:`BertPreTokenizer`}",
     .decoder = "{`type`:`WordPiece`,`prefix`:`##`,`cleanup`:true}",
     .processor = AROUND(TOKEN("cls", "0") "," TEXT("A", "0") "," TOKEN("sep", "0"),
                         TEXT("B", "1") "," TOKEN("sep", "1"), NUMBER("cls") "," NUMBER("sep"))},
    {.names = "XLMRobertaTokenizer",
     .types = "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod",
     .model = "Unigram",
     .settings = "{`add_prefix_space`:true,`bos_token`:`<s>`,`eos_token`:`</s>`,`unk_token`:"
                 "`<unk>`,`sep_token`:`</s>`,`pad_token`:`<pad>`,`cls_token`:`<s>`,`mask_token`:"
                 "`<mask>`}",
     .flags = "{`unk_id`:3,`byte_fallback`:false}",
     .normalizer = "$charsmap",
     .pre_tokenizer = MARKED_WORDS,
     .decoder = METASPACE("$scheme", "true"),
     .processor = AROUND(TOKEN("bos", "0") "," TEXT("A", "0") "," TOKEN("eos", "0"),
                         TOKEN("eos", "0") "," TEXT("B", "0") "," TOKEN("eos", "0"),
                         NUMBER("bos") "," NUMBER("eos"))},
    {.names = "T5Tokenizer",
     .types = "mt5 musicgen musicgen_melody switch_transformers t5",
     .model = "Unigram",
     .settings = "{`eos_token`:`</s>`,`unk_token`:`<unk>`,`pad_token`:`<pad>`}",
     .flags = "{`unk_id`:2,`byte_fallback`:false}",
     .normalizer = "$charsmap",
     .pre_tokenizer = MARKED_WORDS,
     .decoder = METASPACE("$scheme", "true"),
     .processor = AROUND(TEXT("A", "0") "," TOKEN("eos", "0"), TEXT("B", "0") "," TOKEN("eos", "0"),
                         NUMBER("eos"))},
};

enum { N_ROWS = sizeof rows / sizeof *rows };

// Types of models whose tokenizer.json counts as it is, whatever class is named.
static const char *const plain_types =
    "EvollaModel arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr "
    "ernie4_5 ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe "
    "glm_image glmasr got_ocr2 gpt_bigcode gradium_phonon_tts granite granitemoe granitemoehybrid "
    "granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm internlm2 internlm3 iquestcoder jamba "
    "kimi_k25 kimi_linear kosmos-2 llava llava_next mimo_v2_flash minicpm3 minicpm_ocr minicpmv "
    "minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 mistral_large4 "
    "mixtral modernbert modernbert-decoder molmo molmo2 nemo_speechlm nemotron nvfp4 nystromformer "
    "olmo2 olmo3 olmo_hybrid opencua openvla paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe "
    "pix2struct pixtral pocket_tts smolvlm stablelm step3_vl umt5 vipllava voxtral "
    "voxtral_realtime xlm-roberta-xl";

// Types of models whose folders are known to name a class that is not theirs.
static const char *const misnamed_types =
    "hyperclovax_vision_v2 qwen2 qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp";

// ---- Which class a folder has

typedef struct folder_files {
    json_t *config; // tokenizer_config.json
    json_t *model;  // config.json; NULL: not there
} folder_files;

static bool has_word(const char *words, const char *word, size_t n)
{
    const char *at = words;
    while (n > 0 && (at = strstr(at, word)) != NULL) {
        bool whole = (at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
        if (whole) {
            return true;
        }
        at += n;
    }
    return false;
}

static const class_row *row_of(const char *word, bool by_type)
{
    for (int i = 0; i < N_ROWS; i++) {
        if (has_word(by_type ? rows[i].types : rows[i].names, word, strlen(word))) {
            return &rows[i];
        }
    }
    return NULL;
}

// The class's name without the ending of older ones, in `out`; empty when there is none.
static void class_name(const folder_files *f, char out[64])
{
    const char *name = json_string_value(json_object_get(f->config, "tokenizer_class"));
    name = name != NULL ? name : json_string_value(json_object_get(f->model, "tokenizer_class"));
    size_t n = name != NULL && strlen(name) < 64 ? strlen(name) : 0;
    if (n > 4 && strcmp(name + n - 4, "Fast") == 0) {
        n -= 4;
    }
    memcpy(out, name != NULL ? name : "", n);
    out[n] = '\0';
}

// Whether a step of tokenizer.json works on bytes.
static qn_status has_byte_level(const json_t *root, bool *out, qn_error *err)
{
    static const char *const parts[] = {"normalizer", "pre_tokenizer", "post_processor", "decoder"};
    *out = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !*out; i++) {
        char *text;
        const json_t *part = json_object_get(root, parts[i]);
        QNI_TRY(qni_json_print(part != NULL ? part : json_null(), JSON_COMPACT, &text, err));
        *out = strstr(text, "\"ByteLevel\"") != NULL;
        qni_free(text);
    }
    return QN_OK;
}

// The row that rebuilds the tokenizer, or NULL.
static qn_status find_row(const json_t *root, const folder_files *f, const class_row **out,
                          qn_error *err)
{
    char name[64];
    class_name(f, name);
    const char *type = json_string_value(json_object_get(f->model, "model_type"));
    type = type != NULL ? type : "";
    const class_row *registered = row_of(type, true);
    bool plain = has_word(plain_types, type, strlen(type));
    bool misnamed = has_word(misnamed_types, type, strlen(type));
    *out = NULL;
    if (strcmp(name, "LlamaTokenizer") == 0 && !misnamed) {
        bool bytes; // the class knows none
        QNI_TRY(has_byte_level(root, &bytes, err));
        plain = plain || bytes;
    }
    if (!plain) {
        *out = name[0] == '\0' || misnamed ? registered : row_of(name, false);
    }
    return QN_OK;
}

// ---- What it makes

static qn_status write_json(const json_t *value, qni_buf *out, qn_error *err)
{
    char *text;
    QNI_TRY(qni_json_print(value, JSON_COMPACT, &text, err));
    qn_status status = qni_buf_add_text(out, text, err);
    qni_free(text);
    return status;
}

// What a template says with these values.
static qn_status fill(const char *template, const json_t *values, json_t **out, qn_error *err)
{
    qni_buf text;
    qni_buf_begin(&text, QNI_MAX_TEXT_FILE_BYTES, "a step of a tokenizer's class");
    qn_status status = QN_OK;
    for (const char *at = template; *at != '\0' && status == QN_OK;) {
        char name[32];
        size_t n = 0;
        while (*at == '$' && n + 1 < sizeof name && (isalpha(at[n + 1]) || at[n + 1] == '_')) {
            name[n] = at[n + 1];
            n++;
        }
        name[n] = '\0';
        status = n > 0 ? write_json(json_object_get(values, name), &text, err)
                       : qni_buf_add(&text, *at == '`' ? "\"" : at, 1, err);
        at += n + 1;
    }
    *out = NULL;
    if (status == QN_OK) {
        *out = json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL);
        status = *out != NULL ? QN_OK : qni_fail_memory(err);
    }
    qni_buf_end(&text);
    return status;
}

// The first table of SentencePiece's among the normalizers; null when there is none.
static const json_t *find_charsmap(const json_t *root)
{
    const json_t *normalizer = json_object_get(root, "normalizer");
    const json_t *list = json_object_get(normalizer, "normalizers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *step = json_array_get(list, i);
        if (strcmp(qni_json_type(step), "Precompiled") == 0) {
            return step;
        }
    }
    return strcmp(qni_json_type(normalizer), "Precompiled") == 0 ? normalizer : json_null();
}

static const char *const named_keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

enum { N_NAMED = sizeof named_keys / sizeof *named_keys };

static bool is_named(const char *key)
{
    bool is = false;
    for (int i = 0; i < N_NAMED; i++) {
        is = is || strcmp(key, named_keys[i]) == 0;
    }
    return is;
}

// The content of a token that is a text or an object; NULL: neither.
static const json_t *content_of(const json_t *token)
{
    token = json_is_object(token) ? json_object_get(token, "content") : token;
    return json_is_string(token) ? token : NULL;
}

static int set_copy(json_t *object, const char *key, const json_t *value)
{
    return json_object_set_new(object, key, json_deep_copy(value));
}

static json_int_t number_in_model(const json_t *vocab, const char *token)
{
    const json_t *number = json_object_get(vocab, token);
    for (size_t i = 0; i < json_array_size(vocab); i++) {
        const char *text = json_string_value(json_array_get(json_array_get(vocab, i), 0));
        if (text != NULL && strcmp(text, token) == 0) {
            return (json_int_t)i;
        }
    }
    return json_is_integer(number) ? json_integer_value(number) : -1;
}

// The number of a token: the model's, or that which the added one is given behind it; null: it has
// none.
static json_t *number_of(const json_t *root, const char *token)
{
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    const json_t *added = json_object_get(root, "added_tokens");
    json_int_t number = token != NULL ? number_in_model(vocab, token) : -1;
    json_int_t next = (json_int_t)(json_object_size(vocab) + json_array_size(vocab));
    for (size_t i = 0; i < json_array_size(added) && number < 0 && token != NULL; i++) {
        const char *text = json_string_value(content_of(json_array_get(added, i)));
        if (text != NULL && strcmp(text, token) == 0) {
            number = next;
        }
        next += text != NULL && number_in_model(vocab, text) < 0;
    }
    return number >= 0 ? json_integer(number) : json_null();
}

// The tokens that processors put around texts.
static const char *const ends[][2] = {{"bos_token", "bos_id"},
                                      {"eos_token", "eos_id"},
                                      {"sep_token", "sep_id"},
                                      {"cls_token", "cls_id"}};
enum { N_ENDS = sizeof ends / sizeof *ends };

// The settings of a row with the configuration's values, and what follows from them.
static qn_status settle(const class_row *row, const json_t *root, const json_t *config,
                        json_t **out, qn_error *err)
{
    const char *key;
    json_t *value, *values;
    QNI_TRY(fill(row->settings, NULL, &values, err));
    json_object_foreach (values, key, value) {
        const json_t *given = json_object_get(config, key);
        given = content_of(given) != NULL ? content_of(given) : given;
        // no token is none, no other setting is that of the class
        if (given != NULL && (!json_is_null(given) || is_named(key))) {
            (void)set_copy(values, key, given);
        }
    }
    bool prefix = !json_is_false(json_object_get(values, "add_prefix_space"));
    bool first = json_is_false(json_object_get(values, "legacy"));
    const char *scheme = !prefix ? "never" : first ? "first" : "always";
    int failed = json_object_set_new(values, "scheme", json_string(scheme)) |
                 json_object_set_new(values, "strip", json_integer(prefix)) |
                 set_copy(values, "charsmap", find_charsmap(root));
    *out = values;
    return failed == 0 ? QN_OK : qni_fail_memory(err);
}

static qn_status set_part(json_t *root, const char *key, const char *template, const json_t *values,
                          qn_error *err)
{
    json_t *part;
    QNI_TRY(fill(template, values, &part, err));
    return json_object_set_new(root, key, part) == 0 ? QN_OK : qni_fail_memory(err);
}

static qn_status rebuild(const class_row *row, json_t *root, const json_t *values, qn_error *err)
{
    json_t *flags, *model = json_object_get(root, "model");
    QNI_TRY(fill(row->flags, values, &flags, err));
    int failed = json_object_update(model, flags);
    json_decref(flags);
    QNI_TRY(failed == 0 ? QN_OK : qni_fail_memory(err));
    QNI_TRY(set_part(root, "normalizer", row->normalizer, values, err));
    QNI_TRY(set_part(root, "pre_tokenizer", row->pre_tokenizer, values, err));
    return set_part(root, "decoder", row->decoder, values, err);
}

// When all tokens are there: the class's processor, if it has one and its tokens have numbers.
static qn_status set_processor(const class_row *row, json_t *root, json_t *values, qn_error *err)
{
    bool known = row->processor != NULL;
    for (int i = 0; i < N_ENDS && known; i++) {
        if (strstr(row->processor, ends[i][1]) != NULL) {
            const char *token = json_string_value(json_object_get(values, ends[i][0]));
            json_t *number = number_of(root, token);
            known = json_is_integer(number);
            QNI_TRY(json_object_set_new(values, ends[i][1], number) == 0 ? QN_OK
                                                                         : qni_fail_memory(err));
        }
    }
    return known ? set_part(root, "post_processor", row->processor, values, err) : QN_OK;
}

// ---- The tokens that are added

static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};

enum { N_FLAGS = sizeof flags / sizeof *flags };

typedef struct adding {
    json_t *list;        // as tokenizer.json has it
    json_t *known;       // tokens of the list by content
    bool plain_specials; // as the class has it
} adding;

// Makes a token of the list special.
static int make_special(const adding *a, json_t *token)
{
    int failed = 0;
    for (size_t i = 0; i < N_FLAGS && a->plain_specials; i++) {
        failed |= json_object_set_new(token, flags[i], json_false());
    }
    return failed | json_object_set_new(token, "special", json_true());
}

// Adds a token, given as a text or an object. Special ones are added when they are not there, and
// become special when they are. What is no token is left out of those that a configuration names,
// and for the reader of tokenizer.json to refuse else.
static int add_token(adding *a, const json_t *token, bool special)
{
    const json_t *content = content_of(token);
    if (content == NULL) {
        return special ? 0 : json_array_append(a->list, (json_t *)(uintptr_t)token);
    }
    json_t *known = json_object_get(a->known, json_string_value(content));
    if (special && known != NULL) {
        return make_special(a, known);
    }
    json_t *made = json_pack("{s:i}", "id", 0); // they are given anew
    int failed = set_copy(made, "content", content);
    for (size_t i = 0; i < N_FLAGS; i++) {
        const json_t *flag = json_is_object(token) ? json_object_get(token, flags[i]) : NULL;
        failed |= flag != NULL ? set_copy(made, flags[i], flag) : 0;
    }
    failed |= special ? make_special(a, made) : 0;
    failed |= json_object_set(a->known, json_string_value(content), made);
    return failed | json_array_append_new(a->list, made);
}

static int add_all(adding *a, const json_t *tokens, bool special)
{
    int failed = 0;
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        failed |= add_token(a, json_array_get(tokens, i), special);
    }
    return failed;
}

typedef struct numbered {
    long id;
    const json_t *token;
} numbered;

static int compare_numbered(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

// Those of "added_tokens_decoder", by their numbers.
static qn_status add_numbered(adding *a, json_t *decoder, qn_error *err)
{
    size_t n = 0, most = json_object_size(decoder);
    numbered *list = qni_alloc_array(most + 1, sizeof *list);
    const char *key;
    json_t *token;
    if (list == NULL) {
        return qni_fail_memory(err);
    }
    json_object_foreach (decoder, key, token) {
        list[n++] = (numbered){strtol(key, NULL, 10), token};
    }
    qsort(list, n, sizeof *list, compare_numbered);
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        failed |= add_token(a, list[i].token, false);
    }
    qni_free(list);
    return failed == 0 ? QN_OK : qni_fail_memory(err);
}

// Special tokens by their names: those of the configuration, or else of the class.
static int add_named(adding *a, json_t *config, const json_t *values)
{
    int failed = 0;
    for (int i = 0; i < N_NAMED; i++) {
        const json_t *given = json_object_get(config, named_keys[i]);
        const json_t *own = json_object_get(values, named_keys[i]);
        failed |= add_token(a, given != NULL ? given : own, true);
    }
    const char *key;
    json_t *value;
    json_object_foreach (config, key, value) {
        size_t n = strlen(key);
        if (n > 6 && strcmp(key + n - 6, "_token") == 0 && !is_named(key)) {
            failed |= add_token(a, value, true);
        }
    }
    json_t *extra = json_object_get(config, "extra_special_tokens");
    extra = json_array_size(extra) + json_object_size(extra) > 0
                ? extra
                : json_object_get(config, "additional_special_tokens");
    json_object_foreach (extra, key, value) {
        failed |= add_token(a, value, true);
    }
    return failed | add_all(a, extra, true);
}

static qn_status add_tokens(json_t *root, const folder_files *f, const class_row *row,
                            const json_t *values, qn_error *err)
{
    adding a = {.list = json_array(),
                .known = json_object(),
                .plain_specials = row != NULL && row->plain_specials};
    json_t *decoder = json_object_get(f->config, "added_tokens_decoder");
    int failed = 0;
    // a class starts from the vocabulary alone
    if (decoder == NULL || values == NULL) {
        failed |= add_all(&a, json_object_get(root, "added_tokens"), false);
    }
    qn_status status = add_numbered(&a, decoder, err);
    failed |= add_named(&a, f->config, values);
    failed |= json_object_set(root, "added_tokens", a.list);
    json_decref(a.list);
    json_decref(a.known);
    return status != QN_OK || failed == 0 ? status : qni_fail_memory(err);
}

// ---- The whole

static qn_status read_beside(const char *folder, const char *name, json_t **out, qn_error *err)
{
    return qni_json_read_beside(folder, name, QNI_MAX_TEXT_FILE_BYTES, out, err);
}

static qn_status apply(json_t *root, const folder_files *f, qn_error *err)
{
    const class_row *row;
    json_t *values = NULL;
    QNI_TRY(find_row(root, f, &row, err));
    const char *model = qni_json_type(json_object_get(root, "model"));
    if (row != NULL && strcmp(model, row->model) == 0) {
        QNI_TRY(settle(row, root, f->config, &values, err));
    }
    qn_status status = values != NULL ? rebuild(row, root, values, err) : QN_OK;
    status = status == QN_OK ? add_tokens(root, f, row, values, err) : status;
    if (status == QN_OK && values != NULL) {
        status = set_processor(row, root, values, err);
    }
    json_decref(values);
    return status;
}

// Older folders name special tokens apart.
static qn_status read_specials(const char *folder, folder_files *f, qn_error *err)
{
    json_t *specials = NULL;
    QNI_TRY(read_beside(folder, "special_tokens_map.json", &specials, err));
    bool newer = json_object_get(f->config, "added_tokens_decoder") != NULL;
    if (!json_is_object(specials) || newer || (f->config != NULL && !json_is_object(f->config))) {
        json_decref(specials);
        return QN_OK;
    }
    f->config = f->config != NULL ? f->config : json_object();
    int failed = json_object_update(f->config, specials);
    json_decref(specials);
    return failed == 0 ? QN_OK : qni_fail_memory(err);
}

qn_status qni_tokenizer_apply_class(json_t *root, const char *folder, qn_error *err)
{
    folder_files f = {0};
    qn_status status = read_beside(folder, "tokenizer_config.json", &f.config, err);
    status = status == QN_OK ? read_beside(folder, "config.json", &f.model, err) : status;
    status = status == QN_OK ? read_specials(folder, &f, err) : status;
    if (status == QN_OK && (f.config != NULL || f.model != NULL)) {
        status = apply(root, &f, err);
    }
    json_decref(f.config);
    json_decref(f.model);
    return status;
}
