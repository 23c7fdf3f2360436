"""quince: run, test and debug Core ML models anywhere.

    import quince
    model = quince.MLModel("model.mlpackage")         # tensors in, tensors out
    model.predict({"x": x})

    lm = quince.LanguageModel("models/worker")        # a package, its tokenizer, its chat template
    quince.Session(lm).chat([{"role": "user", "content": "Hello"}])["content"]

`import quince.coremltools` makes coremltools' own `predict` and `make_state` work on this machine.
"""

from quince._error import Error
from quince._quince import version as __version__
from quince.grammar import Grammar, LogitsProcessor, Matcher, Vocabulary
from quince.model import Feature, MLModel, MLState
from quince.session import LanguageModel, Session, Stream
from quince.tokenizer import EncodeStream, Tokenizer, chat_formats, read_answer, render_chat_template

__all__ = ["EncodeStream", "Error", "Feature", "Grammar", "LanguageModel", "LogitsProcessor", "MLModel", "MLState", "Matcher",
           "Session", "Stream", "Tokenizer", "Vocabulary", "__version__", "chat_formats", "read_answer",
           "render_chat_template"]
