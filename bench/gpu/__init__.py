"""netspec on a GPU beside hand-written torch: times, and memory told in advance."""
