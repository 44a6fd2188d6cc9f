"""Language vectors of objects, made with CLIP from photos or from masks that have them, and objects found by words."""

from gsseg.language.clip import ClipModel as ClipModel
from gsseg.language.descriptors import Descriptors as Descriptors
from gsseg.language.naming import name_objects as name_objects
from gsseg.language.search import Found as Found
from gsseg.language.search import find_by_text as find_by_text
from gsseg.language.search import language_of as language_of
from gsseg.language.search import object_descriptors as object_descriptors
from gsseg.language.search import relevancy as relevancy
from gsseg.language.text import TextModel as TextModel
from gsseg.language.text import TextVectors as TextVectors
from gsseg.language.words import ObjectVectorWords as ObjectVectorWords
