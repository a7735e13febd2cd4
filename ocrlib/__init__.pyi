from ocrlib.api import evaluate as evaluate
from ocrlib.api import make_dataset as make_dataset
from ocrlib.api import train as train
from ocrlib.batches.tf_data import load as load
from ocrlib.dataset.arrays import read_hdf5 as read_hdf5
from ocrlib.errors import UserError as UserError
from ocrlib.reading.reader import Reader as Reader
from ocrlib.reading.recognizer import Reading as Reading

__version__: str
