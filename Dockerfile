# Not built or run by its authors yet.
#
#   docker build -t tf_dlth . && docker run -v "$PWD/saved_tickets:/tf_dlth/saved_tickets" tf_dlth
#
# trains the README's first run on the CPU. Words after the image's name are another command:
# docker run tf_dlth python -m tf_dlth.list
FROM python:3.11-slim
WORKDIR /tf_dlth
COPY . .
RUN pip install --no-cache-dir -c constraints.txt .
CMD ["python", "-m", "tf_dlth.train", "--config", "configs/digits.yaml"]
