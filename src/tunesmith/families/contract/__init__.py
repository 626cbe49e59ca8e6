"""What a model family provides, role by role; everything else of a run is shared machinery.

The contract is written for several kinds of model at once: one trained network or several (MusicGen's decoder; a speech
LLM and a flow decoder), one training phase or several, token or latent inputs, several loss terms, cached features of
any shape, and generation with or without source audio.
"""

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.fields import FieldSpec
from tunesmith.families.contract.adapters import Adapters
from tunesmith.families.contract.card import Card, ModelCard, PhaseSpec, TransformerShape
from tunesmith.families.contract.checkpoint import Checkpoint, FamilySettings
from tunesmith.families.contract.checks import Checks
from tunesmith.families.contract.encoding import Encoder, Encoding
from tunesmith.families.contract.family import Family, FamilyType
from tunesmith.families.contract.generation import Generated, Generation, GenerationRequest, Generator
from tunesmith.families.contract.networks import Networks
from tunesmith.families.contract.objective import Batch, Objective
from tunesmith.families.loss_terms import LossTerm

__all__ = [
    "AdapterDefaults",
    "Adapters",
    "Batch",
    "Card",
    "Checkpoint",
    "Checks",
    "Encoder",
    "Encoding",
    "Family",
    "FamilySettings",
    "FamilyType",
    "FieldSpec",
    "Generated",
    "Generation",
    "GenerationRequest",
    "Generator",
    "LossTerm",
    "ModelCard",
    "Networks",
    "Objective",
    "PhaseSpec",
    "TransformerShape",
]
