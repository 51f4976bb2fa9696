# The public names: docs/python.md describes each, and moves inside never change one.
from .cli.claim_answers import check_claims as check_claims
from .designs.space import Factor as Factor
from .designs.space import Space as Space
from .designs.spaces import load_space as load_space
from .designs.spaces import presets as presets
from .errors import NonFinite as NonFinite
from .errors import SettingError as SettingError
from .errors import StudyError as StudyError
from .finding import Finding as Finding
from .streams import initialise as initialise
from .studies.adaptive_search import Search as Search
from .studies.around import around as around
from .studies.objective import objective as objective
from .studies.reproduction import reproduce as reproduce
from .studies.study import (
    Execution as Execution,
)
from .studies.study import (
    confirm as confirm,
)
from .studies.study import (
    run as run,
)
from .studies.study import (
    show as show,
)
from .studies.study import (
    status as status,
)
from .studies.until import Until as Until
from .subjects.attention.attach.attach import (
    Attached as Attached,
)
from .subjects.attention.attach.attach import (
    attach as attach,
)
from .subjects.attention.attach.detach import detach as detach
from .subjects.attention.attach.state import (
    attention_parameters as attention_parameters,
)
from .subjects.attention.attach.state import (
    host_state_dict as host_state_dict,
)
from .subjects.attention.attach.state import (
    load_host_state_dict as load_host_state_dict,
)
from .subjects.attention.attach.table import sites as sites
from .subjects.attention.blocks.block import SqueezeExcite as SqueezeExcite
from .subjects.attention.blocks.build import build_block as build_block
from .subjects.attention.cost.cost import cost as cost
from .subjects.attention.placing.build import build_network as build_network
from .subjects.attention.settings.groups import (
    Arm as Arm,
)
from .subjects.attention.settings.groups import (
    Attention as Attention,
)
from .subjects.attention.settings.groups import (
    Backbone as Backbone,
)
from .subjects.attention.settings.groups import (
    Data as Data,
)
from .subjects.attention.settings.groups import (
    Training as Training,
)
from .subjects.attention.training.module import AttentionClassifier as AttentionClassifier
from .subjects.lightning.epoch_rule import EpochRule as EpochRule
from .subjects.lightning.fit import fit as fit
from .subjects.lightning.pairing.construct import construct as construct
from .subjects.lightning.pairing.shared import shared as shared
from .subjects.subject import (
    Metric as Metric,
)
from .subjects.subject import (
    Objective as Objective,
)
from .subjects.subject import (
    Pace as Pace,
)
from .subjects.subject import (
    Setting as Setting,
)
from .subjects.subject import (
    Subject as Subject,
)
