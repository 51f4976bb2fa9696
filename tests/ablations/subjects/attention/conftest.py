import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Small double-precision convolutions on several threads of a busy machine take a hundred times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
