"""Recurrent layers, attention and transformers in specs: what hand-written torch gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import netspec
from netspec.modules import transformer
from netspec.sizes import evaluate
from netspec.testing.observation import SavedStorages

# What torch says of every TransformerEncoder whose batch is not first.
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")


def built(spec: str) -> nn.Module:
    return netspec.build(netspec.loads(spec), device="cpu", seed=0).eval()


def alike(ours: nn.Module, theirs: nn.Module) -> None:
    """Gives the hand-written module the weights of the built one."""
    theirs.load_state_dict(ours.state_dict(), strict=True)
    theirs.eval()


def test_both_last_states_of_a_bidirectional_lstm() -> None:
    model = built("""
netspec: 1
input: [N, T, 6]
layers:
  lstm: {lstm: {hidden_size: 5, bidirectional: true, batch_first: true}}
  h: {from: lstm.h_n, permute: [1, 0, 2]}
  flat: flatten
  head: {linear: 3}
""")
    lstm = nn.LSTM(6, 5, bidirectional=True, batch_first=True)
    head = nn.Linear(10, 3)
    alike(model.get_submodule("lstm"), lstm)
    alike(model.get_submodule("head"), head)
    given = torch.randn(4, 7, 6)
    _, (h_n, _) = lstm(given)
    assert torch.equal(model(given), head(torch.cat([h_n[0], h_n[1]], dim=1)))


def test_a_decoder_begins_with_the_states_of_an_encoder() -> None:
    model = built("""
netspec: 1
inputs: {source: [S, N, 6], target: [T, N, 4]}
layers:
  encoder: {from: source, lstm: 5}
  decoder: {from: [target, encoder.h_n, encoder.c_n], lstm: 5}
  head: {linear: 3}
""")
    encoder, decoder, head = nn.LSTM(6, 5), nn.LSTM(4, 5), nn.Linear(5, 3)
    for name, module in (("encoder", encoder), ("decoder", decoder), ("head", head)):
        alike(model.get_submodule(name), module)
    source, target = torch.randn(7, 2, 6), torch.randn(3, 2, 4)
    output, _ = decoder(target, encoder(source)[1])
    assert torch.equal(model(source, target), head(output))


@pytest.mark.parametrize(("name", "kind"), [("gru", nn.GRU), ("rnn", nn.RNN)])
def test_the_last_state_of_a_recurrent_layer(name: str, kind: type[nn.GRU]) -> None:
    model = built(f"""
netspec: 1
inputs: {{x: [T, N, 6], h: [2, N, 5]}}
layers:
  walk: {{from: [x, h], {name}: {{hidden_size: 5, num_layers: 2}}}}
  last: {{from: walk.h_n, flatten: {{start_dim: 0, end_dim: 0}}}}
""")
    module = kind(6, 5, num_layers=2)
    alike(model.get_submodule("walk"), module)
    x, h = torch.randn(7, 3, 6), torch.randn(2, 3, 5)
    assert torch.equal(model(x, h), module(x, h)[1])


def test_one_step_of_each_cell() -> None:
    model = built("""
netspec: 1
inputs: {x: [N, 6], h: [N, 5], c: [N, 5]}
layers:
  lstm: {from: [x, h, c], lstm_cell: 5}
  gru: {from: [x, lstm.h_1], gru_cell: 5}
  rnn: {from: [x, gru], rnn_cell: 5}
  sum: {from: [rnn, lstm.c_1], add: }
""")
    lstm, gru, rnn = nn.LSTMCell(6, 5), nn.GRUCell(6, 5), nn.RNNCell(6, 5)
    for name, module in (("lstm", lstm), ("gru", gru), ("rnn", rnn)):
        alike(model.get_submodule(name), module)
    x, h, c = torch.randn(3, 6), torch.randn(3, 5), torch.randn(3, 5)
    h_1, c_1 = lstm(x, (h, c))
    assert torch.equal(model(x, h, c), rnn(x, gru(x, h_1)) + c_1)


def test_cross_attention_and_its_weights() -> None:
    model = built("""
netspec: 1
inputs: {words: [N, L, 8], image: [N, S, 6], hidden: {shape: [N, S], dtype: bool}}
layers:
  look:
    from: [words, image, image, hidden]
    multihead_attention: {num_heads: 2, batch_first: true}
  head: {from: look.attn_output, linear: 3}
outputs: {result: head, weights: look.attn_output_weights}
""")
    look = nn.MultiheadAttention(8, 2, kdim=6, vdim=6, batch_first=True)
    head = nn.Linear(8, 3)
    alike(model.get_submodule("look"), look)
    alike(model.get_submodule("head"), head)
    words, image = torch.randn(2, 5, 8), torch.randn(2, 4, 6)
    hidden = torch.tensor([[False, False, True, False], [False, True, False, False]])
    output, weights = look(words, image, image, hidden)
    found = model(words, image, hidden)
    assert torch.equal(found["result"], head(output))
    assert torch.equal(found["weights"], weights)


TRANSFORMER = """
netspec: 1
inputs: {src: [N, S, 8], tgt: [N, T, 8]}
layers:
  pair:
    from: [src, tgt]
    transformer: {nhead: 2, num_encoder_layers: 2, num_decoder_layers: 1, dim_feedforward: 16,
                  batch_first: true}
  head: {linear: 3}
"""


def test_a_transformer() -> None:
    model = built(TRANSFORMER)
    pair = nn.Transformer(8, 2, 2, 1, 16, batch_first=True)
    head = nn.Linear(8, 3)
    alike(model.get_submodule("pair"), pair)
    alike(model.get_submodule("head"), head)
    src, tgt = torch.randn(2, 5, 8), torch.randn(2, 4, 8)
    assert torch.equal(model(src, tgt), head(pair(src, tgt)))


def test_an_encoder_and_a_decoder() -> None:
    model = built("""
netspec: 1
inputs: {src: [S, N, 8], tgt: [T, N, 8]}
layers:
  encoder:
    from: src
    transformer_encoder: {nhead: 2, num_layers: 2, dim_feedforward: 16, norm: true}
  decoder:
    from: [tgt, encoder]
    transformer_decoder: {nhead: 2, num_layers: 1, dim_feedforward: 16}
  layer: {transformer_encoder_layer: {nhead: 4, dim_feedforward: 8, activation: gelu}}
  last: {from: [layer, encoder], transformer_decoder_layer: {nhead: 2, norm_first: true}}
""")
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, nn.LayerNorm(8))
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 1)
    layer = nn.TransformerEncoderLayer(8, 4, 8, activation="gelu")
    last = nn.TransformerDecoderLayer(8, 2, norm_first=True)
    parts = {"encoder": encoder, "decoder": decoder, "layer": layer, "last": last}
    for name, module in parts.items():
        alike(model.get_submodule(name), module)
        assert isinstance(model.get_submodule(name), type(module))
    src, tgt = torch.randn(5, 2, 8), torch.randn(4, 2, 8)
    memory = encoder(src)
    assert torch.equal(model(src, tgt), last(layer(decoder(tgt, memory)), memory))


@pytest.mark.parametrize("norm", [False, True])
def test_stacks_are_those_of_hand_written_torch(norm: bool) -> None:
    """The same seed gives the same weights, in the same order."""
    pairs: list[tuple[nn.Module, nn.Module]] = []
    ours: nn.Module
    last = nn.LayerNorm(8) if norm else None
    torch.manual_seed(3)
    ours = transformer.TransformerEncoder(8, 2, 2, 16, norm=norm)
    torch.manual_seed(3)
    pairs.append((ours, nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, last)))
    torch.manual_seed(3)
    ours = transformer.TransformerDecoder(8, 2, 2, 16, norm=norm)
    torch.manual_seed(3)
    pairs.append((ours, nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2, last)))
    given: list[Tensor] = [torch.randn(4, 2, 8), torch.randn(5, 2, 8)]
    for ours, theirs in pairs:
        assert isinstance(ours, type(theirs))
        state, expected = ours.state_dict(), theirs.state_dict()
        assert list(state) == list(expected)
        assert all(torch.equal(state[key], expected[key]) for key in state)
        inputs = given[: 1 if isinstance(theirs, nn.TransformerEncoder) else 2]
        assert torch.equal(ours.eval()(*inputs), theirs.eval()(*inputs))


def test_similarities_and_bags() -> None:
    model = built("""
netspec: 1
inputs: {left: {shape: [N, L], dtype: int64}, right: {shape: [M], dtype: int64},
         starts: {shape: [N], dtype: int64}}
layers:
  bag: {from: left, embedding_bag: {num_embeddings: 10, embedding_dim: 4, mode: max}}
  list: {from: [right, starts], embedding_bag: {num_embeddings: 10, embedding_dim: 4}}
  product: {from: [bag, list], bilinear: 3}
  cosine: {from: [bag, list], cosine_similarity: 1}
  distance: {from: [bag, list], pairwise_distance: }
outputs: [product, cosine, distance]
""")
    bag, rows = nn.EmbeddingBag(10, 4, mode="max"), nn.EmbeddingBag(10, 4)
    product = nn.Bilinear(4, 4, 3)
    for name, module in (("bag", bag), ("list", rows), ("product", product)):
        alike(model.get_submodule(name), module)
    left, right = torch.randint(0, 10, (2, 3)), torch.randint(0, 10, (5,))
    starts = torch.tensor([0, 2])
    one, other = bag(left), rows(right, starts)
    expected = (
        product(one, other),
        nn.CosineSimilarity()(one, other),
        nn.PairwiseDistance()(one, other),
    )
    for found, wanted in zip(model(left, right, starts), expected, strict=True):
        assert torch.equal(found, wanted)


MASKED = """
netspec: 1
inputs:
  src: [S, N, 8]
  tgt: [T, N, 8]
  hidden: {shape: [N, S], dtype: bool}
  later: [T, T]
layers:
  encoder:
    from: {src: src, src_key_padding_mask: hidden}
    transformer_encoder: {nhead: 2, num_layers: 2, dim_feedforward: 16}
  layer:
    from: {src_key_padding_mask: hidden, src: encoder}
    transformer_encoder_layer: {nhead: 2, dim_feedforward: 16}
  decoder:
    from: {tgt: tgt, memory: layer, tgt_mask: later, memory_key_padding_mask: hidden}
    transformer_decoder_layer: {nhead: 2, dim_feedforward: 16}
"""


def test_a_causal_decoder_over_padded_sequences() -> None:
    model = built(MASKED)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    decoder = nn.TransformerDecoderLayer(8, 2, 16)
    parts = {"encoder": encoder, "layer": layer, "decoder": decoder}
    for name, module in parts.items():
        alike(model.get_submodule(name), module)
    src, tgt = torch.randn(5, 2, 8), torch.randn(4, 2, 8)
    hidden = torch.tensor([[False] * 5, [False, False, True, False, True]])
    later = nn.Transformer.generate_square_subsequent_mask(4)
    memory = layer(encoder(src, src_key_padding_mask=hidden), src_key_padding_mask=hidden)
    expected = decoder(tgt, memory, later, memory_key_padding_mask=hidden)
    assert torch.equal(model(src, tgt, hidden, later), expected)
    compiled = torch.compile(model, backend="eager")
    assert torch.equal(compiled(src, tgt, hidden, later), expected)


def test_inputs_by_name_are_written_as_they_are_read() -> None:
    spec = netspec.loads(MASKED)
    assert "from: {src_key_padding_mask: hidden, src: encoder}" in spec.to_yaml()
    assert netspec.loads(spec.to_yaml()) == spec


def test_a_mask_of_pairs_never_takes_another_s_place() -> None:
    inputs = (
        "{x: [L, N, 8], hidden: {shape: [N, L], dtype: bool}, later: {shape: [L, L], dtype: bool}}"
    )
    ways = ("[x, x, x, hidden, later]", "{query: x, key: x, value: x, attn_mask: later}")
    module = nn.MultiheadAttention(8, 2)
    x, hidden = torch.randn(4, 3, 8), torch.zeros(3, 4, dtype=torch.bool)
    hidden[1, 2] = True
    later = torch.ones(4, 4, dtype=torch.bool).triu(1)
    outputs = "outputs: [look.attn_output, look.attn_output_weights]"
    for way, padding in zip(ways, (hidden, None), strict=True):
        layers = f"layers: {{look: {{from: {way}, multihead_attention: 2}}}}"
        model = built(f"netspec: 1\ninputs: {inputs}\n{layers}\n{outputs}")
        alike(model.get_submodule("look"), module)
        expected = module(x, x, x, padding, attn_mask=later)
        for found, wanted in zip(model(x, hidden, later), expected, strict=True):
            assert torch.equal(found, wanted)


def test_containers_blocks_and_further_calls_take_inputs_by_name() -> None:
    model = built("""
netspec: 1
inputs: {x: [N, 4], y: [N, 4]}
blocks:
  less: {inputs: [left, right], layers: [{from: [left, right], sub: }]}
layers:
  one: {from: {right: x, left: y}, less: }
  other: {from: {b: one, a: x}, inputs: [a, b], layers: [{from: [a, b], sub: }]}
  last: {use: other, from: {b: x, a: other}}
""")
    x, y = torch.randn(2, 4), torch.randn(2, 4)
    assert torch.equal(model(x, y), (x - (y - x)) - x)


def test_a_bag_has_weights_without_offsets() -> None:
    model = built("""
netspec: 1
inputs: {rows: {shape: [N, 3], dtype: int64}, weights: [N, 3]}
layers:
  bag:
    from: {input: rows, per_sample_weights: weights}
    embedding_bag: {num_embeddings: 10, embedding_dim: 4, mode: sum}
""")
    bag = nn.EmbeddingBag(10, 4, mode="sum")
    alike(model.get_submodule("bag"), bag)
    rows, weights = torch.randint(0, 10, (2, 3)), torch.randn(2, 3)
    assert torch.equal(model(rows, weights), bag(rows, per_sample_weights=weights))


def test_what_training_saves_of_masks() -> None:
    spec = netspec.loads(MASKED.replace("dim_feedforward: 16", "dim_feedforward: 16, dropout: 0"))
    plan = netspec.plan(spec)
    model = netspec.build(plan, device="cpu").train()
    sizes = {"N": 3, "S": 5, "T": 4}
    hidden = torch.zeros(3, 5, dtype=torch.bool)
    with SavedStorages(model) as saved:
        model(torch.randn(5, 3, 8), torch.randn(4, 3, 8), hidden, torch.zeros(4, 4))
    assert evaluate(plan.saved_for_backward().total, sizes) == saved.nbytes
